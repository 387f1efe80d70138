"""Where rows are prefetched: a wrong place would only be slow, and no other test would see it."""

import numpy as np
import pytest

from kernels.shapes import Array
from normlab.kernels import blocks
from normlab.kernels._compile import compiled
from normlab.kernels._llvm import VECTOR_BYTES


@compiled
def next_rows(x: Array, at: int, lane: int) -> tuple[int, int]:
    return blocks.next_rows(x, at, lane)


@pytest.mark.parametrize("n_features", [64, 128, 1600, 4096])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_vectors_of_eight_rows_prefetch_as_much_once_further_on(
    dtype: str, n_features: int
) -> None:
    lanes = blocks.in_lanes(np.empty((64, n_features), dtype))
    n_lanes, n = lanes.shape[3], VECTOR_BYTES // lanes.itemsize
    first = 8 * n_lanes  # the second eight rows
    found = []
    for lane in range(0, n_lanes, n):
        ahead, step = next_rows(lanes, first + lane, lane)
        found += [ahead + i * step for i in range(8)]
    distance = max(8 * n_lanes, blocks.AHEAD_BYTES // lanes.itemsize)
    assert found == list(range(first + distance, first + distance + 8 * n_lanes, n))


def test_rows_of_maps_are_not_prefetched() -> None:
    lanes = blocks.in_lanes(np.empty((16, 3, 196), "float32"))
    assert next_rows(lanes, 7, 0) == (7, 0)
