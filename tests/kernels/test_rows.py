"""Rows taken from a dataset, in strips."""

import numpy as np
import pytest

from normlab.kernels.rows import strips, take_floats, take_pixels

N, N_FEATURES = 30, 150
NUMBERS = np.array([3, 3, 29, 0])


def taken(take: object, stored: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows as a plain array, and the sums of magnitudes."""
    shape, row, column = strips(len(NUMBERS), stored.shape[1])
    x, sums = np.full(shape, 7, dtype), np.full(stored.shape[1], 7, dtype)
    take(stored.__array_interface__["data"][0], NUMBERS, x, sums)  # type: ignore[operator]
    return x.reshape(-1)[row[:, None] + column], sums


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_copied(dtype: str) -> None:
    stored = np.random.default_rng(0).standard_normal((N, N_FEATURES)).astype(dtype)
    stored[:, 70:90] = 0
    x, sums = taken(take_floats, stored, dtype)
    np.testing.assert_array_equal(x, stored[NUMBERS])
    np.testing.assert_allclose(sums, np.abs(stored[NUMBERS]).sum(axis=0), rtol=1e-6)


def test_nan_is_not_0() -> None:
    stored = np.zeros((N, N_FEATURES), "float32")
    stored[3, 5], stored[29, 6] = np.nan, -np.inf
    _, sums = taken(take_floats, stored, "float32")
    assert np.flatnonzero(sums != 0).tolist() == [5, 6]


def test_bytes_are_divided_by_255_to_the_bit() -> None:
    stored = np.arange(256, dtype=np.uint8).repeat(30).reshape(N, 256)
    x, _ = taken(take_pixels, stored, "float32")
    np.testing.assert_array_equal(x, np.divide(stored[NUMBERS], 255, dtype=np.float32))
