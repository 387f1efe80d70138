"""Rows where they lie: floats, or bytes that stand for as many 255ths.

They are flat, and each row is found by where it begins, so that the rows of a batch stay in their
dataset: nothing is copied. Bytes are a quarter of the floats that they stand for, and what a
training reads in each step stays in the caches: ``_tile`` has a table of the floats.
"""

from typing import Any

import numpy as np
from numba import from_dtype, types
from numba.extending import overload
from numpy.typing import DTypeLike, NDArray

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._compile import compiled


def bytes_of(x: FloatArray) -> NDArray[np.uint8] | None:
    """Return the bytes that stand for these floats, or None where some are no 255ths."""
    found = np.empty(x.shape, np.uint8)
    return found if _set_bytes(arrays.read_only(x.reshape(-1)), found.reshape(-1)) else None


@compiled
def _set_bytes(x: FloatArray, found: NDArray[np.uint8]) -> bool:
    zero, one = x.dtype.type(0), x.dtype.type(1)
    most, half = x.dtype.type(255), x.dtype.type(0.5)
    for first in range(0, x.size, 1024):
        own, to = x[first : first + 1024], found[first : first + 1024]
        n_others = 0
        for i in range(own.size):
            # NaN becomes 0, and so another number. (By way of int32, vectors are converted.)
            value = own[i] if own[i] >= zero else zero
            value = value if value <= one else one
            byte = np.int32(value * most + half)
            to[i] = byte
            n_others += x.dtype.type(byte) / most != own[i]
        if n_others > 0:
            return False
    return True


def flat_rows(dtype: DTypeLike) -> Any:
    """Return the type of rows, flat, which may be such as nobody may write to."""
    return types.Array(from_dtype(np.dtype(dtype)), 1, "C", readonly=True)


def floats_of(x: Any, row: IntArray, first: int, stop: int, like: FloatArray) -> Any:
    """Return elements first to stop of rows as floats: flat, and the offsets of rows and columns.

    What are floats already stays where it is. (Compiled code alone calls this, and has one of the
    two functions below in its place.)
    """


@overload(floats_of)
def _floats_of(x: Any, row: Any, first: Any, stop: Any, like: Any) -> Any:
    def from_floats(x: Any, row: Any, first: Any, stop: Any, like: Any) -> Any:
        return x, row, np.arange(first, stop)

    def from_bytes(x: Any, row: Any, first: Any, stop: Any, like: Any) -> Any:
        column = np.arange(stop - first)
        found = np.empty((row.size, column.size), like.dtype)
        for i in range(row.size):
            for j in range(column.size):
                value = x[row[i] + first + j]
                found[i, j] = like.dtype.type(value) / like.dtype.type(255)
        return found.reshape(-1), np.arange(row.size) * column.size, column

    return from_bytes if x.dtype == types.uint8 else from_floats
