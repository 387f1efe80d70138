"""Mean and variance of each column, computed stably and mergeable.

Shapes: ``x`` is ``(m, n_features)``, C-contiguous; ``mean`` and ``M2`` are ``(n_features,)``,
float64 whatever the dtype of ``x``.

Each block of rows takes two passes, while it is in the cache::

    mean = p + sum(x - p) / n            p: the first row of the block
    M2   = sum((x - mean)^2)

and blocks A, B are joined by (Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise
algorithm for computing sample variances", eq. 2.1)::

    d = mean_B - mean_A
    mean = mean_A + d n_B / n
    M2   = M2_A + M2_B + d^2 n_A n_B / n

With the pivot ``p``, a constant column has exactly its value as mean and exactly 0 as M2, and
an offset that is large against the deviation costs no digits: ``E[x^2] - E[x]^2`` would lose
them all.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from normlab._typing import FloatArray
from normlab.kernels._compile import block_rows, compiled, compiled_parallel, is_large


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Count, mean and sum of squared deviations of each feature."""

    count: int
    mean: FloatArray  # (n_features,) float64
    M2: FloatArray  # (n_features,) float64, sum((x - mean)^2)

    def var(self, ddof: int = 0) -> FloatArray:
        """Return the variance M2 / (count - ddof); ``ddof=1`` gives the unbiased one."""
        return self.M2 / (self.count - ddof)

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both samples together."""
        mean, M2 = self.mean.copy(), self.M2.copy()
        _merge_into(mean, M2, self.count, other.mean, other.M2, other.count)
        return Moments(self.count + other.count, mean, M2)


def moments(x: FloatArray) -> Moments:
    """Return the moments of each column of ``x``, shape ``(m, n_features)`` with m >= 1."""
    n_rows, n_features = x.shape
    rows = block_rows(n_features, x.itemsize)
    n_blocks = -(-n_rows // rows)
    means = np.empty((n_blocks, n_features))
    M2s = np.empty((n_blocks, n_features))
    if is_large(x):
        _all_block_moments(x, rows, means, M2s)
    else:
        for block, start in enumerate(range(0, n_rows, rows)):
            _block_moments(x, start, min(start + rows, n_rows), means[block], M2s[block])
    _merge_blocks(rows, n_rows, means, M2s)
    return Moments(n_rows, means[0], M2s[0])


@compiled_parallel
def _all_block_moments(x: FloatArray, rows: int, means: FloatArray, M2s: FloatArray) -> None:
    for block in prange(means.shape[0]):
        start = block * rows
        _block_moments(x, start, min(start + rows, x.shape[0]), means[block], M2s[block])


@compiled
def _block_moments(x: FloatArray, start: int, stop: int, mean: FloatArray, M2: FloatArray) -> None:
    _fast_block_moments(x, start, stop, mean, M2)
    for j in range(x.shape[1]):
        if not np.isfinite(M2[j]):
            _wide_column_moments(x, start, stop, j, mean, M2)


@compiled
def _fast_block_moments(
    x: FloatArray, start: int, stop: int, mean: FloatArray, M2: FloatArray
) -> None:
    # Eight rows are summed in the dtype of x before one float64 addition: that halves the time,
    # and costs no more than the rounding of x itself.
    pivot = x[start]
    center = np.empty_like(pivot)
    whole = start + (stop - start) // 8 * 8
    mean[:] = 0.0
    M2[:] = 0.0
    for i in range(start, whole, 8):
        for j in range(x.shape[1]):
            total = x[i, j] - pivot[j]
            for k in range(1, 8):
                total += x[i + k, j] - pivot[j]
            mean[j] += total
    for i in range(whole, stop):
        for j in range(x.shape[1]):
            mean[j] += x[i, j] - pivot[j]
    for j in range(x.shape[1]):
        mean[j] /= stop - start
        center[j] = mean[j]
    for i in range(start, whole, 8):
        for j in range(x.shape[1]):
            d = x[i, j] - pivot[j] - center[j]
            total = d * d
            for k in range(1, 8):
                d = x[i + k, j] - pivot[j] - center[j]
                total += d * d
            M2[j] += total
    for i in range(whole, stop):
        for j in range(x.shape[1]):
            d = x[i, j] - pivot[j] - center[j]
            M2[j] += d * d
    for j in range(x.shape[1]):
        mean[j] += pivot[j]


@compiled
def _wide_column_moments(
    x: FloatArray, start: int, stop: int, j: int, mean: FloatArray, M2: FloatArray
) -> None:
    # float32 squares overflow beyond 1.8e19; float64 has the room. The other columns keep
    # their bits.
    pivot = np.float64(x[start, j])
    mean[j] = 0.0
    M2[j] = 0.0
    for i in range(start, stop):
        mean[j] += x[i, j] - pivot
    mean[j] = pivot + mean[j] / (stop - start)
    for i in range(start, stop):
        M2[j] += (x[i, j] - mean[j]) ** 2


@compiled
def _merge_blocks(rows: int, n_rows: int, means: FloatArray, M2s: FloatArray) -> None:
    # In the order of the blocks, so that the number of threads does not change a bit.
    for block in range(1, means.shape[0]):
        done = block * rows
        new = min(rows, n_rows - done)
        _merge_into(means[0], M2s[0], done, means[block], M2s[block], new)


@compiled
def _merge_into(
    mean: FloatArray, M2: FloatArray, n: int, other_mean: FloatArray, other_M2: FloatArray, k: int
) -> None:
    # float64 counts: the product n k of two large integers would overflow.
    share = np.float64(k) / (n + k)
    for j in range(mean.shape[0]):
        d = other_mean[j] - mean[j]
        mean[j] += d * share
        M2[j] += other_M2[j] + d * d * (n * share)
