"""Batch normalization where numbers are hard: constants, offsets, extremes, NaN."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from layers.laws import LAYOUTS
from normlab.kernels.moments import moments
from normlab.layers import BatchNorm
from reference import batch_norm as twin
from reference import moments as twin_moments

Array = NDArray[Any]

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
thorough = settings(deadline=None, derandomize=True, max_examples=150)


def layer_for(x: Array, eps: float = 1e-5) -> BatchNorm:
    layer = BatchNorm(x.shape[-1], eps=eps, dtype=x.dtype)
    rng = np.random.default_rng(8)
    for array in layer.parameters.values():
        array[...] = rng.uniform(0.5, 2, x.shape[-1])
    return layer


@both_dtypes
@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3, 1e30, -1e30, 1e-40])
@pytest.mark.parametrize("eps", [1e-5, 0.0])
def test_a_constant_feature_gives_exactly_beta(value: float, dtype: str, eps: float) -> None:
    for shape in [(3, 4), (20_001, 4), (70_000, 4)]:
        x = np.full(shape, value, dtype=dtype)
        layer = layer_for(x, eps)
        y, _ = layer.forward(x, training=True)
        np.testing.assert_array_equal(y, np.broadcast_to(layer.parameters["beta"], shape))


@both_dtypes
def test_a_constant_feature_passes_no_more_gradient_than_eps_allows(dtype: str) -> None:
    x = np.full((8, 1), 0.1, dtype=dtype)
    layer = layer_for(x, eps=0.0)
    dx, _ = layer.backward(np.ones_like(x), layer.forward(x, training=True)[1])
    np.testing.assert_array_equal(dx, 0)


@pytest.mark.parametrize("wild", [np.nan, 1e30])
def test_a_constant_feature_gives_exactly_beta_beside_a_wild_one(wild: float) -> None:
    x = np.full((50, 2), 0.1, dtype=np.float32)
    x[7, 0] = wild
    layer = layer_for(x)
    y, _ = layer.forward(x, training=True)
    np.testing.assert_array_equal(y[:, 1], layer.parameters["beta"][1])


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_the_variance_survives_an_offset_in_float32(offset: float) -> None:
    """4,096 values: E[x^2] - E[x]^2 in float32 says 16 at the first offset, -65,536 beyond."""
    values = np.random.default_rng(0).standard_normal((4096, 1))
    x = (values + offset).astype(np.float32)
    layer = BatchNorm(1, decay=0, ddof=0)
    layer.update_statistics(layer.forward(x, training=True)[1])
    np.testing.assert_allclose(layer.running_var, x.astype(np.float64).var(axis=0), rtol=1e-6)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_the_naive_variance_does_not_survive_it(offset: float) -> None:
    values = np.random.default_rng(0).standard_normal((4096, 1))
    x = (values + offset).astype(np.float32)
    naive = (x**2).mean() - x.mean() ** 2
    assert abs(naive - values.var()) > 0.9


@both_dtypes
@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_make_their_feature_nan_and_no_other(wild: float, dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal((20, 3)).astype(dtype)
    layer = layer_for(x)
    expected, _ = layer.forward(x, training=True)
    x[13, 1] = wild
    y, _ = layer.forward(x, training=True)
    assert np.isnan(y[:, 1]).all()
    np.testing.assert_array_equal(y[:, [0, 2]], expected[:, [0, 2]])


def test_nan_reaches_the_running_statistics() -> None:
    x = np.random.default_rng(0).standard_normal((20, 2))
    x[3, 1] = np.nan
    layer = layer_for(x)
    layer.update_statistics(layer.forward(x, training=True)[1])
    for name in ("running_mean", "running_var"):
        assert np.isnan(layer.statistics[name]).tolist() == [False, True]


@pytest.mark.parametrize("training", [True, False])
def test_nan_upstream_reaches_dx_and_both_gradients(training: bool) -> None:
    x, dy = np.random.default_rng(0).standard_normal((2, 20, 2))
    dy[3, 1] = np.nan
    layer = layer_for(x)
    layer.update_statistics(layer.forward(x, training=True)[1])
    dx, gradients = layer.backward(dy, layer.forward(x, training=training)[1])
    assert np.isnan(dx[3]).tolist() == [False, True]
    for gradient in gradients.values():
        assert np.isnan(gradient).tolist() == [False, True]


@both_dtypes
def test_infinity_in_evaluation_stays_infinity(dtype: str) -> None:
    x = np.array([[np.inf, 1.0], [-np.inf, 1.0]], dtype=dtype)
    layer = layer_for(x)
    layer.running_mean[...] = 1.0
    y, _ = layer.forward(x, training=False)
    np.testing.assert_array_equal(y[:, 0], [np.inf, -np.inf])
    assert np.isfinite(y[:, 1]).all()


def test_a_variance_beyond_float32_is_kept_in_the_running_statistics() -> None:
    x = (np.random.default_rng(0).standard_normal((20, 2)) * 1e30).astype(np.float32)
    layer = BatchNorm(2, decay=0)
    layer.update_statistics(layer.forward(x, training=True)[1])
    np.testing.assert_allclose(layer.running_var, twin_moments.var(x, ddof=1), rtol=1e-6)
    assert layer.forward(x, training=False)[0].std() == pytest.approx(1, rel=0.1)


class Errors:
    """How far forward and backward may be from their twins, from the roundings they make.

    In units of x_hat, each value is rounded in its own dtype at the size of the batch's widest
    distance (sqrt(m) deviations at most), and the mean, a float64, at its own size.
    """

    def __init__(self, x: Array, eps: float) -> None:
        m, precision = len(x), float(np.finfo(x.dtype).eps)
        std = np.sqrt(twin_moments.var(x) + eps)
        of_the_mean = np.finfo(np.float64).eps * np.abs(twin_moments.mean(x)) / std
        self.x_hat = 8 * (precision * np.sqrt(m) + of_the_mean)
        self.tiny = 8 * float(np.finfo(x.dtype).smallest_subnormal)
        self.root, self.inv_std = np.sqrt(m), 1 / std

    def forward(self, layer: BatchNorm) -> Array:
        """y = gamma x_hat + beta, each rounded once more."""
        error: Array = self.x_hat * (layer.parameters["gamma"] + 2) + self.tiny
        return error

    def dx(self, layer: BatchNorm, dy: Array) -> Array:
        """dx holds x_hat times the mean of dy x_hat: sqrt(m) times max|dy| at most, each."""
        largest = np.abs(dy.astype(np.float64)).max(axis=tuple(range(dy.ndim - 1)))
        size = layer.parameters["gamma"] * self.inv_std * largest
        error: Array = size * self.x_hat * self.root + self.tiny
        return error


def check_against_twin(x: Array, dy: Array, eps: float = 1e-5) -> None:
    rows = x.reshape(-1, x.shape[-1])
    errors, layer = Errors(rows, eps), layer_for(x, eps)
    y, cache = layer.forward(x, training=True)
    dx, _ = layer.backward(dy, cache)
    expected = twin.forward(rows, layer.parameters["gamma"], layer.parameters["beta"], eps)
    assert np.all(np.abs(y.reshape(rows.shape) - expected) <= errors.forward(layer))
    expected = twin.backward(dy.reshape(rows.shape), rows, layer.parameters["gamma"], eps).dx
    assert np.all(np.abs(dx.reshape(rows.shape) - expected) <= errors.dx(layer, dy))


shapes = hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=9).filter(
    lambda shape: np.prod(shape[:-1]) >= 2
)
dtypes = st.sampled_from(["float32", "float64"])
seeds = st.integers(0, 2**32 - 1)


@given(shapes, dtypes, seeds, st.sampled_from(sorted(LAYOUTS)))
@thorough
def test_any_shape_dtype_and_stride(
    shape: tuple[int, ...], dtype: str, seed: int, layout: str
) -> None:
    x, dy = np.random.default_rng(seed).standard_normal((2, *shape)).astype(dtype)
    lay_out = LAYOUTS[layout]
    check_against_twin(lay_out(x), lay_out(dy))


@given(
    dtypes,
    seeds,
    st.sampled_from([0.0, 1.0, -1e6, 1e6, 1e30]),
    st.sampled_from([1e-45, 1e-40, 1e-20, 1e-3, 1.0, 1e10, 1e30]),
)
@thorough
def test_any_offset_and_deviation(dtype: str, seed: int, offset: float, deviation: float) -> None:
    """Mean 1e6 with deviation 1; values near 1e30; subnormal ones."""
    x, dy = np.random.default_rng(seed).standard_normal((2, 30, 3))
    check_against_twin((offset + deviation * x).astype(dtype), dy.astype(dtype))


@given(st.data(), st.sampled_from([32, 64]))
@thorough
def test_any_values_whatever(data: st.DataObject, width: int) -> None:
    """Subnormals beside 1e30, constants, a single value apart: whatever makes it fail."""
    bound = float(np.float32(1e30))
    numbers = st.floats(-bound, bound, width=width)  # type: ignore[arg-type]  # 32 or 64
    shape = st.tuples(st.integers(2, 20), st.integers(1, 3))
    x = data.draw(hnp.arrays(f"float{width}", shape, elements=numbers))
    dy = np.random.default_rng(0).standard_normal(x.shape).astype(x.dtype)
    check_against_twin(x, dy)


@given(dtypes, seeds, st.integers(2, 50), st.floats(0.01, 1e3), st.floats(-1e6, 1e6))
@thorough
def test_splitting_a_batch_and_merging_its_moments_changes_nothing(
    dtype: str, seed: int, m: int, deviation: float, offset: float
) -> None:
    rng = np.random.default_rng(seed)
    x = (offset + deviation * rng.standard_normal((m, 2))).astype(dtype)
    cut = int(rng.integers(1, m))
    found = moments(x[:cut]).merge(moments(x[cut:]))
    mean, std = twin_moments.mean(x), np.sqrt(twin_moments.var(x))
    error = 8 * np.sqrt(m) * np.finfo(dtype).eps * std + 8 * np.finfo(np.float64).eps * np.abs(mean)
    assert np.all(np.abs(found.mean - mean) <= error)
    assert np.all(np.abs(np.sqrt(found.var()) - std) <= error)


def test_a_mean_of_a_million_and_a_deviation_of_1_keep_six_digits_in_float32() -> None:
    x = (np.random.default_rng(0).standard_normal((4096, 8)) + 1e6).astype(np.float32)
    exact, _ = BatchNorm(8).forward(x.astype(np.float64), training=True)
    y, _ = BatchNorm(8).forward(x, training=True)
    np.testing.assert_allclose(y, exact, rtol=0, atol=1e-6)
