"""Rows where they lie: floats, or bytes that stand for as many 255ths.

They are known by the address of the first, and each by where it begins behind that, so that the
rows of a batch stay in their dataset: nothing is copied. Bytes are a quarter of the floats that
they stand for, and what a training reads in each step stays in the caches: ``_tile`` has a table of
the floats.
"""

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._by_address import vector
from normlab.kernels._compile import by_address, compiled


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


@by_address
def floats_of_bytes(x: int, row: IntArray, first: int, stop: int, found: FloatArray) -> None:
    """Set the floats that elements first to stop of rows stand for, flat."""
    stored, dtype = vector(x, 0, np.uint8), found.dtype
    at = 0
    for i in range(row.size):
        for j in range(row[i] + first, row[i] + stop):
            found[at] = dtype.type(stored[j]) / dtype.type(255)
            at += 1
