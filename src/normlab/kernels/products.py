"""The products of dense layers, which compiled code calls by address.

Called by name they would be compiled once more in each of their callers. And those know nothing of
how the rows are stored: where these lie, and the codes of products for them, are numbers.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, int64, types
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import call, code_of, vector
from normlab.kernels._compile import compiled, compiled_within
from normlab.kernels._team import share_out
from normlab.kernels.gathered_product import gathered_product
from normlab.kernels.picked_product import picked_of_bytes, picked_of_floats
from normlab.kernels.stored_rows import floats_of_bytes

N_PRODUCTS = 4

GATHERED, SHARED, PICKED, FLOATS = range(N_PRODUCTS)
"""Which code is where among ``products_of``: a product, the same shared out among threads, one that
leaves out what is 0, and what makes floats of bytes. The last two are 0 where they are not needed:
without masks, and of rows that are floats."""

PART_ROWS = 48
"""Rows of a product that a thread takes at a time: whole blocks."""

PART_ELEMENTS = 2**18
"""Elements of a product that are written at a time, about: rows that long stay in the second-level
cache until all of their panels are written. A tenth off the gradient of 1,600 x 1,600 weights."""


@cache
def products_of(dtype: DTypeLike, stored: DTypeLike | None) -> IntArray:
    """Return the addresses of the products' code, compiled where need be; 0 where there is none.

    ``stored`` is the dtype of rows whose masks are known, or None.
    """
    return codes_of_kernels(product_kernels(dtype, stored))


def codes_of_kernels(kernels: list[Any]) -> IntArray:
    """Return the addresses of kernels; 0 of None."""
    return np.array([0 if kernel is None else code_of(*kernel) for kernel in kernels])


def product_kernels(dtype: DTypeLike, stored: DTypeLike | None) -> list[Any]:
    """Return the products and the types of their arguments, in the order of their codes."""
    vector, places, address = from_dtype(np.dtype(dtype))[::1], int64[::1], int64
    factors, to = (vector, places, places, vector), (vector, places, vector, places)
    found = [
        (gathered_product, *factors, int64, *to),
        (shared_product, places, places, *factors, vector, vector, places),
    ]
    if stored is None:
        return [*found, None, None]
    product: Any = types.BaseTuple
    product = product.from_types([places, places, vector, int64, int64, *to, int64[:, ::1]])
    if np.dtype(stored) != np.uint8:
        return [*found, (picked_of_floats, address, product), None]
    floats = floats_of_bytes, address, places, int64, int64, vector
    return [*found, (picked_of_bytes, address, product), floats]


@compiled
def shared_product(
    team: IntArray,
    codes: IntArray,
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    panels: FloatArray,
    start: FloatArray,
    out: FloatArray,
    out_row: IntArray,
) -> None:
    """Set rows of ``out`` to ``start``, the same for all, plus a product, in parts of rows."""
    product = codes, a, row, col, panels, start, np.zeros_like(row), out, out_row
    share_out(team, -(-row.size // PART_ROWS), _multiply_rows, (product,))


@compiled_within
def _multiply_rows(product: Any, first: int, stop: int) -> None:
    codes, a, row, col, panels, start, start_row, out, out_row = product
    n = start.size
    most = max(1, PART_ELEMENTS // (n * PART_ROWS))
    for begin in range(first, stop, most):
        part = slice(begin * PART_ROWS, min(begin + most, stop) * PART_ROWS)
        to = start, start_row[part], out, out_row[part]
        call(codes[GATHERED], (a, row[part], col, panels, n, *to))


@compiled_within
def floats_of(
    codes: IntArray, x: int, row: IntArray, first: int, stop: int, like: FloatArray
) -> tuple[FloatArray, IntArray, IntArray]:
    """Return elements first to stop of rows as floats: flat, and the offsets of rows and columns.

    What are floats already stays where it is.
    """
    if codes[FLOATS] == 0:
        return vector(x, 0, like), row, np.arange(first, stop)
    column = np.arange(stop - first)
    found = np.empty(row.size * column.size, like.dtype)
    call(codes[FLOATS], (x, row, first, stop, found))
    return found, np.arange(row.size) * column.size, column
