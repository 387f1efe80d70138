"""New arrays, laid where they are written and read fastest.

NumPy's begin 16 bytes behind a line of the cache, 32 or 48, so that each vector lies in two lines.
In lines of its own normalization takes a fifth less time, forward up to a third.
"""

from ctypes import addressof, c_char
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from normlab._typing import FloatArray

LINE_BYTES = 64

FEWEST_BYTES = 2**16
"""Below that it does not show."""


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> FloatArray:
    """Return an array of any values, C-contiguous; a large one begins with a line of the cache."""
    dtype = np.dtype(dtype)
    size = prod(shape)
    if size * dtype.itemsize < FEWEST_BYTES:
        return np.empty(shape, dtype)
    room = np.empty(size + LINE_BYTES // dtype.itemsize, dtype)
    address = addressof(c_char.from_buffer(room.data))  # room.ctypes takes three times as long
    shift = -address % LINE_BYTES // dtype.itemsize
    array: FloatArray = room[shift : shift + size].reshape(shape)
    return array


def address(array: NDArray[Any] | None) -> int:
    """Return where the elements of an array are; 0 where there is none."""
    return 0 if array is None else int(array.__array_interface__["data"][0])


def read_only(array: Any) -> Any:
    """Return a view, so that kernels are compiled once for what may be written and what may not."""
    view = array.view()
    view.flags.writeable = False
    return view
