"""The activation kernels against their twins, element by element."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from normlab.kernels import activations
from normlab.kernels.activations import backward, forward
from reference import activations as twin

X = np.concatenate([np.linspace(-30, 30, 241), np.random.default_rng(0).standard_normal(59)])
DY = np.random.default_rng(1).standard_normal(300)

Scalar = Callable[[float], float]
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_activation = pytest.mark.parametrize(
    ("name", "value", "slope"),
    [
        ("RELU", twin.relu, twin.relu_slope),
        ("SIGMOID", twin.sigmoid, twin.sigmoid_slope),
        ("TANH", twin.tanh, twin.tanh_slope),
    ],
)


@both_dtypes
@every_activation
def test_forward_is_that_of_the_twin(name: str, value: Scalar, slope: Scalar, dtype: str) -> None:
    x = X.astype(dtype)
    y = forward(getattr(activations, name), x)
    assert y.dtype == dtype
    expected = [value(v) for v in x.tolist()]
    np.testing.assert_allclose(y, expected, rtol=8 * float(np.finfo(dtype).eps))


@both_dtypes
@every_activation
def test_backward_is_that_of_the_twin(name: str, value: Scalar, slope: Scalar, dtype: str) -> None:
    x, dy = X.astype(dtype), DY.astype(dtype)
    y = forward(getattr(activations, name), x)
    dx = backward(getattr(activations, name), dy, y)
    assert dx.dtype == dtype
    expected = [slope(v) * d for v, d in zip(x.tolist(), dy.tolist(), strict=True)]
    # The slope, at most 1, comes from y alone: where 1 - y has lost its digits, so has the slope.
    np.testing.assert_array_less(np.abs(dx - expected), 4 * np.finfo(dtype).eps * np.abs(dy))


@both_dtypes
@pytest.mark.parametrize(
    ("name", "ends"), [("RELU", (0, np.inf)), ("SIGMOID", (0, 1)), ("TANH", (-1, 1))]
)
def test_the_ends_are_reached_without_a_warning(
    name: str, ends: tuple[float, float], dtype: str
) -> None:
    x = np.array([-np.inf, -1e30, -1e4, np.inf, 1e30, 1e4], dtype)
    y = forward(getattr(activations, name), x)
    high = x[3:] if name == "RELU" else [ends[1]] * 3
    np.testing.assert_array_equal(y, [ends[0]] * 3 + list(high))


@both_dtypes
def test_tanh_is_odd_to_the_bit(dtype: str) -> None:
    x = np.concatenate([[0.0], np.logspace(-30, 3, 1000)]).astype(dtype)
    y, mirrored = forward(activations.TANH, x), forward(activations.TANH, -x)
    assert (-y).tobytes() == mirrored.tobytes()


@every_activation
def test_an_array_without_axes_stays_one(name: str, value: Scalar, slope: Scalar) -> None:
    y = forward(getattr(activations, name), np.array(0.5))
    dx = backward(getattr(activations, name), np.array(2.0), y)
    assert (y.shape, dx.shape) == ((), ())
    assert (float(y), float(dx)) == pytest.approx((value(0.5), 2 * slope(0.5)))


def test_sigmoid_keeps_its_digits_in_the_left_tail() -> None:
    y = forward(activations.SIGMOID, np.array([-700.0]))
    np.testing.assert_allclose(y, np.exp(-700.0), rtol=1e-14)


def test_relu_passes_no_gradient_at_zero() -> None:
    x = np.array([-0.0, 0.0, 1e-300])
    dx = backward(activations.RELU, np.ones(3), forward(activations.RELU, x))
    np.testing.assert_array_equal(dx, [0, 0, 1])


@every_activation
def test_nan_passes_both_ways(name: str, value: Scalar, slope: Scalar) -> None:
    y = forward(getattr(activations, name), np.array([np.nan, 1.0]))
    assert np.isnan(y).tolist() == [True, False]
    dx = backward(getattr(activations, name), np.array([1.0, np.nan]), y)
    assert np.isnan(dx).tolist() == [name != "RELU", True]


def test_relu_passes_the_gradient_at_nan_so_that_nothing_hides_it() -> None:
    dx = backward(activations.RELU, np.array([3.0]), np.array([np.nan]))
    np.testing.assert_array_equal(dx, [3])


@pytest.mark.parametrize("lay_out", [np.ascontiguousarray, np.asfortranarray])
def test_relu_backward_takes_any_layout(lay_out: Any) -> None:
    rng = np.random.default_rng(2)
    y, dy = rng.standard_normal((2, 5, 4))
    expected = np.where(y > 0, dy, 0)
    found = backward(activations.RELU, lay_out(dy), lay_out(y))
    np.testing.assert_array_equal(found, expected)
