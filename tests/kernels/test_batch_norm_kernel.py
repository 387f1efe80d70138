"""The batch normalization kernels against their twin."""

from typing import Any

import numpy as np
import pytest

from kernels.shapes import LARGE_MAP_SHAPES, LARGE_SHAPES, MAP_SHAPES, SHAPES, Array, as_rows, rows
from normlab.kernels import activations, batch_norm
from normlab.kernels.moments import moments
from reference import batch_norm as twin

EPS = 1e-5
# Against values of size 1: a few roundings of x, and in sums of m terms sqrt(m) of them.
TOLERANCE = {"float32": 5e-6, "float64": 1e-13}

every_shape = pytest.mark.parametrize(
    "shape", SHAPES + LARGE_SHAPES + MAP_SHAPES + LARGE_MAP_SHAPES
)
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


class Batch:
    """Rows, an upstream gradient, gamma and beta away from their defaults, and the moments."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.x = rows(shape, dtype, seed=1, offset=0.5)
        self.dy = rows(shape, dtype, seed=2)
        self.gamma = rows(shape[1:2], dtype, seed=3, offset=2.0)
        self.beta = rows(shape[1:2], dtype, seed=4)
        found = moments(self.x)
        self.mean, self.var = found.mean, found.var()
        self.inv_std = batch_norm.inverse_std(self.var, EPS)
        terms = (self.mean, self.inv_std, self.gamma, self.beta)
        self.terms = batch_norm.terms(*terms, self.x.dtype)


def assert_close(found: Array, expected: Array, tolerance: float) -> None:
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@both_dtypes
@every_shape
def test_forward_is_that_of_the_twin(shape: tuple[int, ...], dtype: str) -> None:
    b = Batch(shape, dtype)
    y = batch_norm.normalize(b.x, b.terms)
    assert y.dtype == dtype
    assert_close(as_rows(y), twin.forward(as_rows(b.x), b.gamma, b.beta, EPS), TOLERANCE[dtype])


@both_dtypes
@every_shape
def test_backward_with_batch_statistics_is_that_of_the_twin(
    shape: tuple[int, ...], dtype: str
) -> None:
    b = Batch(shape, dtype)
    dx, *sums = batch_norm.backward_batch(b.dy, b.x, b.terms)
    found = [as_rows(dx), *sums]
    expected = twin.backward(as_rows(b.dy), as_rows(b.x), b.gamma, EPS)
    for ours, theirs in zip(found, expected, strict=True):
        # Two rows of one value each: dx is the small difference of large terms, near inv_std^3.
        scale = max(1.0, float(b.inv_std.max())) ** 2 if len(as_rows(b.x)) < 4 else 1.0
        assert_close(ours, theirs, scale * TOLERANCE[dtype])


@both_dtypes
@every_shape
def test_backward_with_fixed_statistics_is_that_of_the_twin(
    shape: tuple[int, ...], dtype: str
) -> None:
    b = Batch(shape, dtype)
    dx, *sums = batch_norm.backward_fixed(b.dy, b.x, b.terms)
    found = [as_rows(dx), *sums]
    expected = twin.backward_fixed(as_rows(b.dy), as_rows(b.x), b.mean, b.var, b.gamma, EPS)
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs, TOLERANCE[dtype])


@both_dtypes
@every_shape
@pytest.mark.parametrize("backward", [batch_norm.backward_batch, batch_norm.backward_fixed])
def test_with_a_relu_behind_it_bits_are_those_of_the_two_in_turn(
    shape: tuple[int, ...], dtype: str, backward: Any
) -> None:
    b = Batch(shape, dtype)
    y = batch_norm.normalize(b.x, b.terms, relu=True)
    expected = activations.forward(activations.RELU, batch_norm.normalize(b.x, b.terms))
    assert y.tobytes() == expected.tobytes()
    found = backward(b.dy, b.x, b.terms, relu=True)
    in_turn = backward(activations.backward(activations.RELU, b.dy, y), b.x, b.terms)
    assert [array.tobytes() for array in found] == [array.tobytes() for array in in_turn]


def test_gradients_of_parameters_are_float64_sums() -> None:
    b = Batch((100, 100), "float32")
    _, d_gamma, d_beta = batch_norm.backward_batch(b.dy, b.x, b.terms)
    assert d_gamma.dtype == d_beta.dtype == np.float64


def test_the_twin_agrees_with_the_jacobian() -> None:
    b = Batch((6, 3), "float64")
    dx = twin.backward(b.dy, b.x, b.gamma, EPS).dx
    for j in range(3):
        matrix = twin.jacobian(b.x[:, j], b.gamma[j], EPS)
        np.testing.assert_allclose(dx[:, j], b.dy[:, j] @ matrix, rtol=1e-11, atol=1e-13)


def test_inverse_std_is_that_of_the_formula() -> None:
    var = np.array([0.0, 1e-12, 4.0, 1e60])
    expected = 1 / np.sqrt(var + 1e-5)
    np.testing.assert_allclose(batch_norm.inverse_std(var, 1e-5), expected, rtol=1e-15)


def test_inverse_std_of_nothing_is_zero() -> None:
    np.testing.assert_array_equal(batch_norm.inverse_std(np.array([0.0, 1.0]), 0.0), [0, 1])


def test_a_mean_far_from_any_float32_costs_float32_rows_no_digits() -> None:
    """Near 1e7 float32 knows whole numbers only; the mean 1e7 + 0.5 lies between two of them."""
    x = np.array([[1e7], [1e7 + 1]], dtype=np.float32)
    inv_std = batch_norm.inverse_std(np.array([0.25]), 0.0)
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    terms = batch_norm.terms(np.array([1e7 + 0.5]), inv_std, one, zero, x.dtype)
    y = batch_norm.normalize(x, terms)
    np.testing.assert_array_equal(y, [[-1], [1]])


@both_dtypes
def test_kernels_change_none_of_their_arguments(dtype: str) -> None:
    b = Batch((9, 5), dtype)
    before = {name: array.tobytes() for name, array in vars(b).items()}
    batch_norm.normalize(b.x, b.terms)
    batch_norm.backward_batch(b.dy, b.x, b.terms)
    batch_norm.backward_fixed(b.dy, b.x, b.terms)
    assert {name: array.tobytes() for name, array in vars(b).items()} == before
