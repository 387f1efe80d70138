"""Mean and variance of each feature, computed stably and mergeable.

Shapes: ``x`` is ``(m, n_features)``, or feature maps ``(n, n_features, positions)``, C-contiguous;
``mean`` and ``M2`` are ``(n_features,)``, float64 whatever the dtype of ``x``.

Each block of rows takes one pass, about a pivot ``p`` near the mean::

    S    = sum(x - p)                    p: the mean of the first eight values of the block
    mean = p + S / n
    M2   = sum((x - p)^2) - S^2 / n

and blocks A, B are joined by (Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise
algorithm for computing sample variances", eq. 2.1)::

    d = mean_B - mean_A
    mean = mean_A + d n_B / n
    M2   = M2_A + M2_B + d^2 n_A n_B / n

With the pivot, a constant feature has exactly its value as mean and exactly 0 as M2, and an
offset that is large against the deviation costs no digits: ``E[x^2] - E[x]^2`` would lose them
all. Where the pivot is more than 2.6 deviations from the mean, the difference in M2 would cost
more than three bits: such a feature takes two passes in float64, and so does one whose float32
squares overflow.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numba import float64, from_dtype, int64
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import code_of
from normlab.kernels._compile import by_address, compiled, compiled_within, merged
from normlab.kernels._floats import least_normal
from normlab.kernels._team import share_out
from normlab.kernels._vectors import everywhere, load, prefetch, store
from normlab.kernels.blocks import (
    add_turns,
    block_rows,
    in_lanes,
    next_rows,
    take_turns,
    vector_lanes,
)
from normlab.kernels.threads import in_team


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
    """Return the moments of each feature of ``x``, which has at least one value a feature."""
    n_features = x.shape[1]
    mean, M2 = np.empty(n_features), np.empty(n_features)
    in_team(moments_into, x.size, code_of_moments(x.dtype), x, mean, M2)
    return Moments(x.size // n_features, mean, M2)


@cache
def code_of_moments(dtype: DTypeLike) -> int:
    """Return the address of what takes the moments of blocks, compiled where need be."""
    return code_of(*block_moments(dtype))


def block_moments(dtype: DTypeLike) -> tuple[Any, ...]:
    """Return what takes the moments of blocks and the types of its arguments."""
    number, rows = from_dtype(np.dtype(dtype)), float64[:, ::1]
    return _block_moments, number[:, :, :, ::1], int64, rows, rows, int64, int64


@partial(compiled, merge=True)
def moments_into(
    team: IntArray, code: int, x: FloatArray, mean: FloatArray, M2: FloatArray
) -> None:
    """Set mean and M2; ``code`` is ``code_of_moments`` for this dtype."""
    count, lanes = x.size // mean.size, in_lanes(x)
    rows = block_rows(lanes)
    n_blocks = -(-len(lanes) // rows)
    means, M2s = np.empty((n_blocks, mean.size)), np.empty((n_blocks, mean.size))
    share_out(team, n_blocks * lanes.shape[1], code, (lanes, rows, means, M2s))
    _merge_blocks(rows * (lanes[0].size // mean.size), count, means, M2s)
    for j in range(mean.size):
        mean[j], M2[j] = means[0, j], M2s[0, j]


@by_address
def _block_moments(
    x: FloatArray, rows: int, means: FloatArray, M2s: FloatArray, first: int, stop: int
) -> None:
    n_lanes = x.shape[3]
    pivot = np.empty(n_lanes, x.dtype)
    sums, squares = np.empty(n_lanes), np.empty(n_lanes)
    n_features = means.shape[1] // x.shape[1]  # a group
    for i in range(first, stop):
        block, group = divmod(i, x.shape[1])
        part = x[block * rows : (block + 1) * rows]
        mean = means[block].reshape(-1, n_features)[group]
        M2 = M2s[block].reshape(-1, n_features)[group]
        _set_pivot(part, group, pivot, n_features)
        _add_deviations(part, group, pivot, sums, squares)
        _to_moments(part, group, pivot, sums, squares, mean, M2)


@merged
def _set_pivot(x: FloatArray, group: int, pivot: FloatArray, n_features: int) -> None:
    # Of each feature the mean of eight values: exactly their value where they are all the same.
    n_rows = min(8, x.shape[0])
    n_turns = min(8 // n_rows, pivot.size // n_features)
    first, total = x[0, group, 0, :n_features], np.zeros(n_features, x.dtype)
    for i in range(n_rows):
        for turn in range(n_turns):
            own = x[i, group, 0, turn * n_features : (turn + 1) * n_features]
            for j in range(n_features):
                total[j] += own[j] - first[j]
    for j in range(n_features):
        pivot[j] = first[j] + total[j] / (n_rows * n_turns)
    take_turns(pivot, n_features)


@compiled_within
def _add_deviations(
    x: FloatArray, group: int, pivot: FloatArray, sums: FloatArray, squares: FloatArray
) -> None:
    # Eight rows are summed in the dtype of x before one float64 addition: that halves the time,
    # and costs no more than the rounding of x itself.
    sums[:] = 0.0
    squares[:] = 0.0
    n_rows, n_groups, n_runs, n_lanes = x.shape
    totals, square_totals = np.empty_like(pivot), np.empty_like(pivot)
    flat, n, row_size = x.reshape(-1), vector_lanes(x), n_groups * n_runs * n_lanes
    for run in range(n_runs):
        for first in range(0, n_rows, 8):
            for begin_lane in range(0, n_lanes, n):
                j = min(begin_lane, n_lanes - n)
                own_pivot = load(pivot, j, n)
                total = square_total = everywhere(x.dtype.type(0), own_pivot)
                at = first * row_size + (group * n_runs + run) * n_lanes + j
                ahead, step = next_rows(x, at, j)
                for _ in range(min(8, n_rows - first)):
                    d = load(flat, at, n) - own_pivot
                    total, square_total = total + d, square_total + d * d
                    prefetch(flat, ahead)
                    at += row_size
                    ahead += step
                store(totals, j, n, total)
                store(square_totals, j, n, square_total)
            for lane in range(n_lanes):
                sums[lane] += totals[lane]
                squares[lane] += square_totals[lane]


@merged
def _to_moments(
    x: FloatArray,
    group: int,
    pivot: FloatArray,
    sums: FloatArray,
    squares: FloatArray,
    mean: FloatArray,
    M2: FloatArray,
) -> None:
    n_features = mean.size
    n = x.shape[0] * x.shape[2] * x.shape[3] // n_features
    add_turns(sums, n_features)
    add_turns(squares, n_features)
    share = 1.0 / n
    least = 1e4 * n * least_normal(x)  # below it, squares have lost digits
    n_doubtful = 0
    for j in range(n_features):
        mean[j] = pivot[j] + sums[j] * share
        M2[j] = squares[j] - sums[j] * (sums[j] * share)
        n_doubtful += _is_doubtful(squares[j], M2[j], least)
    if n_doubtful > 0:  # asked once for all: so the loop above goes through vectors
        for j in range(n_features):
            if _is_doubtful(squares[j], M2[j], least):
                mean[j], M2[j] = _two_passes(x[:, group, :, j::n_features])


@merged
def _is_doubtful(square: float, M2: float, least: float) -> bool:
    """Return whether digits may have been lost in M2, or it has overflowed."""
    near = (square <= 8.0 * M2) & (np.inf > 8.0 * M2)
    return not (near & ((square == 0.0) | (square >= least)))


@compiled_within
def _two_passes(values: FloatArray) -> tuple[float, float]:
    pivot = np.float64(values[0, 0, 0])
    total, M2 = 0.0, 0.0
    for value in values.flat:
        total += value - pivot
    mean = pivot + total / values.size
    for value in values.flat:
        M2 += (value - mean) ** 2
    return mean, M2


@merged
def _merge_blocks(size: int, count: int, means: FloatArray, M2s: FloatArray) -> None:
    # In the order of the blocks, so that the number of threads does not change a bit.
    for block in range(1, means.shape[0]):
        done = block * size
        _merge_into(means[0], M2s[0], done, means[block], M2s[block], min(size, count - done))


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
