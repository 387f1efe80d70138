"""The products of dense layers, which compiled code calls by address.

Called by name they would be compiled once more in each of five kernels, a ninth of the time that
compiling for dense layers takes.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, int64
from numpy.typing import DTypeLike

from normlab._typing import IntArray
from normlab.kernels._by_address import code_of
from normlab.kernels.gathered_product import gathered_product
from normlab.kernels.picked_product import picked_product
from normlab.kernels.stored_rows import flat_rows

GATHERED, PICKED = range(2)
"""Which code is where among ``products_of``."""


@cache
def products_of(dtype: DTypeLike, stored: DTypeLike | None) -> IntArray:
    """Return the addresses of the products' code, compiled where need be."""
    return np.array([code_of(*kernel) for kernel in product_kernels(dtype, stored)])


def product_kernels(dtype: DTypeLike, stored: DTypeLike | None) -> list[Any]:
    """Return the products and the types of their arguments, in the order of their codes.

    Without PICKED where ``stored``, the dtype of rows whose masks are known, is None.
    """
    vector, places = from_dtype(np.dtype(dtype))[::1], int64[::1]
    to = vector, places, vector, places
    gathered = gathered_product, vector, places, places, vector, int64, *to
    if stored is None:
        return [gathered]
    own = flat_rows(stored), places, places, vector, int64, int64
    return [gathered, (picked_product, *own, *to, int64[:, ::1])]
