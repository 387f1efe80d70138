"""Rows taken from a dataset, in strips."""

from typing import Any

import numpy as np
import pytest

from kernels.shapes import Array
from normlab.kernels.rows import strips, take_floats, take_pixels

N = 30
NUMBERS = np.array([3, 3, 29, 0])


def taken(take: Any, stored: Array, dtype: str) -> Array:
    """Return the rows as a plain array."""
    n_features = stored.shape[1]
    shape, row, column = strips(len(NUMBERS), n_features)
    x = np.full(shape, 7, dtype)
    take(stored.__array_interface__["data"][0], n_features, NUMBERS, x)
    found: Array = x.reshape(-1)[row[:, None] + column]
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_copied(dtype: str) -> None:
    stored = np.random.default_rng(0).standard_normal((N, 150)).astype(dtype)
    np.testing.assert_array_equal(taken(take_floats, stored, dtype), stored[NUMBERS])


@pytest.mark.parametrize("n_features", [256, 251, 3])
def test_bytes_are_divided_by_255_to_the_bit(n_features: int) -> None:
    stored = np.arange(N * n_features).reshape(N, n_features).astype(np.uint8)
    expected = np.divide(stored[NUMBERS], 255, dtype=np.float32)
    np.testing.assert_array_equal(taken(take_pixels, stored, "float32"), expected)
