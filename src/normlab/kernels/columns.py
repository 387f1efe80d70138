"""Columns of a factor: which are 0 in all rows, and where those that are not lie."""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import compiled, compiled_within
from normlab.kernels.picked_product import WIDE_BLOCK_K


@compiled
def used_columns(x: FloatArray) -> IntArray:
    """Return which columns have values other than 0."""
    sums, n_rows = np.zeros(x.shape[1], x.dtype), len(x) // 4 * 4
    fours = x[:n_rows].reshape(n_rows // 4, 4, sums.size)
    for i in range(len(fours)):
        for j in range(sums.size):
            total = abs(fours[i, 0, j]) + abs(fours[i, 1, j])
            sums[j] += total + (abs(fours[i, 2, j]) + abs(fours[i, 3, j]))
    for i in range(n_rows, len(x)):
        for j in range(sums.size):
            sums[j] += abs(x[i, j])
    found, n_found = np.empty(sums.size, np.int64), 0
    for j in range(sums.size):
        if sums[j] != 0:
            found[n_found] = j
            n_found += 1
    return found[:n_found]


@compiled_within
def others(used: IntArray, n: int) -> IntArray:
    """Return the numbers of range(n) that are not in ``used``."""
    found, n_found, i = np.empty(n - used.size, np.int64), 0, 0
    for j in range(n):
        if i < used.size and used[i] == j:
            i += 1
        else:
            found[n_found] = j
            n_found += 1
    return found


@compiled_within
def blocks(used: IntArray) -> IntArray:
    """Return where blocks of columns begin, and behind them the end.

    A block is WIDE_BLOCK_K columns of all: sums over blocks are the same, whatever is left out.
    """
    found, n_found = np.empty(used.size + 1, np.int64), 0
    for i in range(used.size):
        if i == 0 or used[i] // WIDE_BLOCK_K > used[i - 1] // WIDE_BLOCK_K:
            found[n_found] = i
            n_found += 1
    found[n_found] = used.size
    return found[: n_found + 1]


@compiled_within
def is_finite(b: FloatArray, row: IntArray, n: int) -> bool:
    """Return whether there is neither NaN nor infinity in the rows of ``b`` that begin there."""
    sums, n_rows = np.zeros(n, b.dtype), row.size // 4 * 4
    for k in range(0, n_rows, 4):
        p, q, r, s = (
            b[row[k] : row[k] + n],
            b[row[k + 1] : row[k + 1] + n],
            b[row[k + 2] : row[k + 2] + n],
            b[row[k + 3] : row[k + 3] + n],
        )
        for j in range(n):
            sums[j] += (p[j] * 0 + q[j] * 0) + (r[j] * 0 + s[j] * 0)
    for k in range(n_rows, row.size):
        p = b[row[k] : row[k] + n]
        for j in range(n):
            sums[j] += p[j] * 0
    finite = True
    for j in range(n):
        finite &= sums[j] == 0
    return finite


@compiled_within
def times(numbers: IntArray, factor: int) -> IntArray:
    """Return the products."""
    # A loop is compiled in a tenth of the time of NumPy's multiplication; so too below.
    found = np.empty(numbers.size, np.int64)
    for i in range(numbers.size):
        found[i] = numbers[i] * factor
    return found


@compiled_within
def taken(numbers: IntArray, which: IntArray) -> IntArray:
    """Return some of the numbers."""
    found = np.empty(which.size, np.int64)
    for i in range(which.size):
        found[i] = numbers[which[i]]
    return found
