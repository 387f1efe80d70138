"""Shapes that reach each path of the blocked kernels, and random rows of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.kernels._compile import block_rows

Array = NDArray[Any]

LARGE = 2**18
"""Elements from which on threads work, in these tests; ``_compile.PARALLEL_SIZE`` is larger."""

SHAPES = [
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

LARGE_SHAPES = [
    (LARGE, 1),
    (LARGE // 4 + 5, 4),
    (LARGE // 100 + 3, 100),
    (LARGE // 7100 + 2, 7100),
]


def n_blocks(shape: tuple[int, int], itemsize: int) -> int:
    return -(-shape[0] // block_rows(shape[1], itemsize))


def rows(shape: tuple[int, ...], dtype: str, *, seed: int, offset: float = 0.0) -> Array:
    return (np.random.default_rng(seed).standard_normal(shape) + offset).astype(dtype)
