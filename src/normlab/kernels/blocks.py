"""Arrays as the kernels of normalization walk through them: lanes and blocks.

Blocks follow from the shape alone, so that the number of threads changes no bit of a result.
"""

from normlab._typing import FloatArray
from normlab.kernels._compile import compiled, compiled_within, merged
from normlab.kernels._llvm import VECTOR_BYTES

BLOCK_BYTES = 256 * 1024
"""Bytes a block, about: the sums of a block are taken in one go."""

AHEAD_BYTES = 16 * 1024
"""Bytes between what is read and what is prefetched, at least. The processor alone does not foresee
rows that are read eight at a time: of 50 MB on a Zen 4, the moments take a third of the time
with it, the backward pass two thirds."""

FEWEST_LANES, MOST_LANES = 128, 256
"""A loop along lanes is long enough to pay, and what it keeps of each lane stays in the cache."""


@compiled
def in_lanes(x: FloatArray) -> FloatArray:
    """View ``x`` as ``(rows, groups, runs, lanes)``, so that loops along lanes are long.

    A group has one or more features, which take turns in its lanes: with f features a group, lane
    l of group g holds feature g f + l % f.

    ``(m, n_features)``: one group; rows of few features are joined. Of 32 features, that takes a
    third off the time of normalization, of 8 three quarters.
    ``(n, n_features, positions)``: a group is a feature, its positions lie in runs of lanes.
    """
    if x.ndim == 2:
        m, n_features = x.shape
        joined = _power_of_two(m, FEWEST_LANES // n_features)
        return x.reshape(m // joined, 1, 1, joined * n_features)
    n, n_features, positions = x.shape
    runs = _power_of_two(positions, 2 * positions // MOST_LANES)
    return x.reshape(n, n_features, runs, positions // runs)


@compiled_within
def _power_of_two(n: int, most: int) -> int:
    """Return the largest power of two that divides n and is at most ``most``, or else 1."""
    power = 1
    while 2 * power <= most and n % (2 * power) == 0:
        power *= 2
    return power


@merged
def take_turns(lanes: FloatArray, n_features: int) -> None:
    """Let what is in the first lanes, one a feature, take turns in all."""
    if n_features == 1:  # at once: one after the other each store would wait for the one before
        lanes[1:] = lanes[0]
    else:
        for lane in range(n_features, lanes.size):
            lanes[lane] = lanes[lane - n_features]


@merged
def add_turns(lanes: FloatArray, n_features: int) -> None:
    """Add to the first lanes, one a feature, the others of the same feature, in their order."""
    if n_features < lanes.size:
        for j in range(n_features):
            total = lanes[j]
            for lane in range(j + n_features, lanes.size, n_features):
                total += lanes[lane]
            lanes[j] = total


@compiled_within
def vector_lanes(x: FloatArray) -> int:
    """Return how many lanes a vector has: fewer than it could have, where there are no more.

    The last vector of a row begins where the row ends with it: in lanes of the one before it.
    """
    n: int = min(x.shape[3], VECTOR_BYTES // x.itemsize)
    return n


@compiled_within
def walked_rows(x: FloatArray) -> int:
    """Return how many rows a vector's lanes are walked down before the next vector's.

    What they need stays in registers meanwhile. Rows that come from memory are read as they lie
    there: down 16 of them, normalization of 100,000 x 64 took half as long again.
    """
    return 16 if x.size * x.itemsize <= BLOCK_BYTES else 1


@compiled
def block_rows(x: FloatArray) -> int:
    """Return the number of rows a block of ``in_lanes(x)``: a multiple of 8, summed together."""
    row_bytes: int = x.shape[2] * x.shape[3] * x.itemsize  # in its group
    return max(8, BLOCK_BYTES // max(1, row_bytes) // 8 * 8)


@compiled_within
def next_rows(x: FloatArray, at: int, lane: int) -> tuple[int, int]:
    """Return where to prefetch while a vector is read from eight rows, and in which steps.

    The vector's first row is at the index ``at``, where it begins in ``lane``. All vectors of the
    rows together fetch later rows, in the order of memory. Rows of maps lie far apart, and the
    processor foresees them as eight arrays: there is nothing to fetch.
    """
    n_lanes = x.shape[3]
    if x.shape[1] * x.shape[2] > 1:
        return at, 0
    return at + 7 * lane + max(8 * n_lanes, AHEAD_BYTES // x.itemsize), vector_lanes(x)
