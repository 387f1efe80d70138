"""Shapes that reach each path of the blocked kernels, and random rows of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.kernels.blocks import block_rows, in_lanes

Array = NDArray[Any]
Shape = tuple[int, ...]

LARGE = 2**16
"""Elements from which on threads are woken, in these tests; ``threads.WAKE`` is larger."""

SHAPES: list[Shape] = [
    (2, 1),
    (2, 3),
    (3, 1),
    (7, 4),  # less than one unrolling of 8 rows, three over 4
    (8, 5),  # exactly one
    (9, 5),  # one over
    (23, 2),  # seven over
    (100, 100),  # one block
    (16, 9000),  # one block of the smallest size
    (23, 9000),  # and a second, short one
    (1003, 100),  # many blocks, the last one short
    (20_001, 1),
]

LARGE_SHAPES: list[Shape] = [
    (2**18, 1),
    (2**16 + 5, 4),  # an odd number of rows: not joined
    (2**16 + 8, 4),  # joined by eight, and a last block of one row
    (2**18 // 100 + 3, 100),
    (2**18 // 7100 + 2, 7100),
]

MAP_SHAPES: list[Shape] = [
    (2, 3, 1),
    (1, 3, 4),
    (5, 4, 4),  # as many positions as features
    (7, 4, 5),
    (9, 5, 6),
    (17, 3, 256),  # runs of 256, 128 ...
    (5, 2, 4096),
    (100, 6, 49),
]

LARGE_MAP_SHAPES: list[Shape] = [
    (1, 3, 2**16 + 2**12),
    (50, 8, 14 * 14),
    (99, 3, 28 * 28),
    (40, 2, 56 * 56),
]


def n_blocks(shape: tuple[int, ...], itemsize: int) -> int:
    lanes = in_lanes(np.empty(shape, f"f{itemsize}"))
    return -(-len(lanes) // block_rows(lanes))


def as_rows(x: Array) -> Array:
    """Return feature maps as rows, features last; rows as they are."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def rows(shape: tuple[int, ...], dtype: str, *, seed: int, offset: float = 0.0) -> Array:
    return (np.random.default_rng(seed).standard_normal(shape) + offset).astype(dtype)
