"""The exponential of compiled code, against NumPy's in long double precision."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.kernels._compile import compiled
from normlab.kernels.exponential import exp_of_negative

Array = NDArray[Any]
LEAST = {"float32": -87.33, "float64": -708.39}
both_dtypes = pytest.mark.parametrize("dtype", LEAST)


@compiled
def exponentials(z: Array, found: Array) -> None:
    for i in range(z.size):
        found[i] = exp_of_negative(z[i], z)


def exp(z: Array) -> Array:
    found = np.empty_like(z)
    exponentials(z, found)
    return found


@both_dtypes
def test_it_is_within_two_units_in_the_last_place(dtype: str) -> None:
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.uniform(LEAST[dtype], 0, 100_000), -rng.exponential(1.0, 100_000)])
    z = np.concatenate([z, -np.logspace(-40, 0, 1000), np.log(2) * np.arange(-120, 1) / 2])
    z = z.astype(dtype)
    expected = np.exp(z.astype(np.longdouble))
    error = np.abs(exp(z) - expected) / np.spacing(expected.astype(dtype))
    assert error.max() < 2


@both_dtypes
def test_it_is_exact_at_zero_and_zero_far_below(dtype: str) -> None:
    z = np.array([0.0, -0.0, 1.01 * LEAST[dtype], -1e4, -1e30, -np.inf], dtype)
    np.testing.assert_array_equal(exp(z), [1, 1, 0, 0, 0, 0])


@both_dtypes
def test_nan_passes(dtype: str) -> None:
    assert np.isnan(exp(np.array([np.nan], dtype))).all()


@both_dtypes
def test_an_element_has_the_same_bits_wherever_it_stands(dtype: str) -> None:
    """Through a vector, or behind the last whole one."""
    z = np.linspace(LEAST[dtype], 0, 1000).astype(dtype)
    one_by_one = [exp(z[i : i + 1]) for i in range(z.size)]
    assert exp(z).tobytes() == np.concatenate(one_by_one).tobytes()


@both_dtypes
def test_it_does_not_grow_downwards(dtype: str) -> None:
    z = -np.sort(np.random.default_rng(1).uniform(0, -LEAST[dtype], 100_000)).astype(dtype)
    steps = np.diff(exp(z).astype(np.longdouble))
    assert steps.max() <= 0
