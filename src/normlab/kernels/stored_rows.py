"""Rows where they lie: floats, or bytes that stand for as many 255ths.

They are known by the address of the first, and each by where it begins behind that, so that the
rows of a batch stay in their dataset: nothing is copied. Bytes are a quarter of the floats that
they stand for, and what a training reads in each step stays in the caches: ``_tile`` has a table of
the floats.
"""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import vector
from normlab.kernels._compile import by_address


@by_address
def floats_of_bytes(x: int, row: IntArray, first: int, stop: int, found: FloatArray) -> None:
    """Set the floats that elements first to stop of rows stand for, flat."""
    stored, dtype = vector(x, 0, np.uint8), found.dtype
    at = 0
    for i in range(row.size):
        for j in range(row[i] + first, row[i] + stop):
            found[at] = dtype.type(stored[j]) / dtype.type(255)
            at += 1
