"""The laws of batch normalization."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.kernels.moments import moments
from normlab.layers import BatchNorm, Dense, ReLU
from normlab.network import Network

Array = NDArray[Any]

SHAPES = [(4, 1), (10, 5), (300, 7), (3, 4, 5, 6)]
every_shape = pytest.mark.parametrize("shape", SHAPES)


def draw(shape: tuple[int, ...], seed: int = 1) -> Array:
    return 3 * np.random.default_rng(seed).standard_normal(shape) + 2


def sum_over_batch(array: Array) -> Array:
    total: Array = array.reshape(-1, array.shape[-1]).sum(axis=0)
    return total


def away_from_defaults(n_features: int, **options: Any) -> BatchNorm:
    layer, rng = BatchNorm(n_features, dtype="float64", **options), np.random.default_rng(9)
    for array in layer.parameters.values():
        array[...] = rng.uniform(0.5, 2, n_features)
    return layer


def normalize(x: Array, **options: Any) -> Array:
    return BatchNorm(x.shape[-1], dtype="float64", **options).forward(x, training=True)[0]


@every_shape
def test_x_hat_has_mean_zero_and_variance_one_in_each_feature(shape: tuple[int, ...]) -> None:
    x_hat = normalize(draw(shape), eps=0).reshape(-1, shape[-1])
    np.testing.assert_allclose(x_hat.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(x_hat.var(axis=0), 1, rtol=1e-13)


def test_eps_shrinks_the_variance_to_var_over_var_plus_eps() -> None:
    x = draw((10, 3))
    expected = x.var(axis=0) / (x.var(axis=0) + 0.5)
    np.testing.assert_allclose(normalize(x, eps=0.5).var(axis=0), expected, rtol=1e-12)


def test_gamma_is_the_deviation_and_beta_the_mean_of_the_output() -> None:
    layer = away_from_defaults(4, eps=0)
    y, _ = layer.forward(draw((50, 4)), training=True)
    np.testing.assert_allclose(y.mean(axis=0), layer.parameters["beta"], rtol=1e-13)
    np.testing.assert_allclose(y.std(axis=0), layer.parameters["gamma"], rtol=1e-13)


@every_shape
def test_columns_of_dx_sum_to_zero(shape: tuple[int, ...]) -> None:
    layer = away_from_defaults(shape[-1])
    _, cache = layer.forward(draw(shape), training=True)
    dx, _ = layer.backward(draw(shape, seed=2), cache)
    np.testing.assert_allclose(sum_over_batch(dx), 0, atol=1e-12)


@every_shape
def test_columns_of_dx_are_orthogonal_to_x_hat(shape: tuple[int, ...]) -> None:
    x = draw(shape)
    layer = away_from_defaults(shape[-1], eps=0)
    _, cache = layer.forward(x, training=True)
    dx, _ = layer.backward(draw(shape, seed=2), cache)
    np.testing.assert_allclose(sum_over_batch(dx * normalize(x, eps=0)), 0, atol=1e-11)


def test_with_fixed_statistics_dx_keeps_the_direction_of_dy() -> None:
    layer = away_from_defaults(3)
    layer.running_mean[...], layer.running_var[...] = [1, 2, 3], [0.5, 1, 2]
    _, cache = layer.forward(draw((10, 3)), training=False)
    dy = draw((10, 3), seed=2)
    expected = dy * layer.parameters["gamma"] / np.sqrt(np.array([0.5, 1, 2]) + 1e-5)
    np.testing.assert_allclose(layer.backward(dy, cache)[0], expected, rtol=1e-13)


@pytest.mark.parametrize(("scale", "offset"), [(3.0, 0.0), (1.0, 40.0), (0.01, -7.0)])
def test_a_change_of_scale_and_offset_of_the_input_is_undone(scale: float, offset: float) -> None:
    x = draw((20, 4))
    np.testing.assert_allclose(
        normalize(scale * x + offset, eps=0), normalize(x, eps=0), atol=1e-10
    )


def test_a_negative_scale_of_the_input_flips_the_sign() -> None:
    x = draw((20, 4))
    np.testing.assert_allclose(normalize(-2 * x, eps=0), -normalize(x, eps=0), atol=1e-13)


def test_the_order_of_the_rows_does_not_matter() -> None:
    x, order = draw((20, 4)), np.random.default_rng(3).permutation(20)
    np.testing.assert_allclose(normalize(x[order]), normalize(x)[order], rtol=1e-11, atol=1e-13)


def test_features_do_not_touch_each_other() -> None:
    x = draw((20, 4))
    alone = normalize(x[:, 2:3].copy())
    np.testing.assert_allclose(normalize(x)[:, 2:3], alone, rtol=1e-15)


@every_shape
def test_no_normalized_value_exceeds_the_root_of_one_less_than_the_batch(
    shape: tuple[int, ...],
) -> None:
    m = np.prod(shape[:-1])
    assert np.abs(normalize(draw(shape), eps=0)).max() <= np.sqrt(m - 1) * (1 + 1e-14)


def test_one_value_apart_from_equal_ones_reaches_that_bound() -> None:
    x = np.zeros((10, 1))
    x[4] = 5.0
    assert normalize(x, eps=0).max() == pytest.approx(3.0, rel=1e-14)


def test_training_and_evaluation_agree_when_the_statistics_are_the_batch_s_own() -> None:
    x, layer = draw((20, 4)), away_from_defaults(4)
    y, _ = layer.forward(x, training=True)
    layer.running_mean[...] = x.mean(axis=0)
    layer.running_var[...] = x.var(axis=0)
    np.testing.assert_allclose(layer.forward(x, training=False)[0], y, rtol=1e-12, atol=1e-14)


def test_the_merged_moments_of_micro_batches_normalize_as_the_whole_batch() -> None:
    x, layer = draw((90, 4)), away_from_defaults(4)
    first, second, third = (moments(part) for part in np.split(x, [10, 25]))
    whole = first.merge(second).merge(third)
    layer.running_mean[...], layer.running_var[...] = whole.mean, whole.var()
    expected, _ = layer.forward(x, training=True)
    np.testing.assert_allclose(layer.forward(x, training=False)[0], expected, atol=1e-12)


def test_a_weight_before_normalization_is_orthogonal_to_its_own_gradient() -> None:
    rng = np.random.default_rng(4)
    network = Network([Dense(6, 5, rng=rng, dtype="float64"), BatchNorm(5, eps=0, dtype="float64")])
    y, cache = network.forward(draw((20, 6)), training=True)
    _, gradients = network.backward(draw(y.shape, seed=2), cache)
    weight, d_weight = network.parameters["0.weight"], gradients["0.weight"]
    assert np.linalg.norm(d_weight) > 0.1
    np.testing.assert_allclose((weight * d_weight).sum(axis=0), 0, atol=1e-11)


def test_the_gradient_of_a_bias_before_normalization_is_zero() -> None:
    rng = np.random.default_rng(4)
    network = Network([Dense(6, 5, rng=rng, dtype="float64"), BatchNorm(5, dtype="float64")])
    y, cache = network.forward(draw((20, 6)), training=True)
    _, gradients = network.backward(draw(y.shape, seed=2), cache)
    np.testing.assert_allclose(gradients["0.bias"], 0, atol=1e-12)


def test_a_larger_weight_gets_a_gradient_smaller_by_the_same_factor() -> None:
    norms = []
    for scale in (1.0, 10.0):
        layer = Dense(6, 5, rng=np.random.default_rng(4), dtype="float64")
        layer.weight *= scale
        network = Network([layer, BatchNorm(5, eps=0, dtype="float64")])
        y, cache = network.forward(draw((20, 6)), training=True)
        gradients = network.parameter_gradients(draw(y.shape, seed=2), cache)
        norms.append(np.linalg.norm(gradients["0.weight"]))
    assert norms[0] / norms[1] == pytest.approx(10, rel=1e-10)


def test_an_upstream_gradient_of_ones_gives_a_dx_of_zero() -> None:
    layer = away_from_defaults(4)
    y, cache = layer.forward(draw((20, 4)), training=True)
    np.testing.assert_allclose(layer.backward(np.ones_like(y), cache)[0], 0, atol=1e-14)


@pytest.mark.parametrize(
    ("batch_size", "median"), [(2, 5e-5), (3, 0.70), (4, 0.87), (8, 0.965), (32, 0.995)]
)
def test_two_dimensions_of_the_batch_are_projected_away(batch_size: int, median: float) -> None:
    """||dx|| / ||dy||, the median over features: in a batch of 2, next to nothing is left.

    The numbers are exact to their last digit but for the draw: 100,000 features.
    """
    x, dy = np.random.default_rng(5).standard_normal((2, batch_size, 100_000))
    layer = BatchNorm(100_000, eps=1e-5, dtype="float64")
    dx, _ = layer.backward(dy, layer.forward(x, training=True)[1])
    ratio = np.median(np.linalg.norm(dx, axis=0) / np.linalg.norm(dy, axis=0))
    assert ratio == pytest.approx(median, rel=0.02 if batch_size > 2 else 0.2)


@pytest.mark.parametrize("shape", [(4, 2, 3, 5), (4, 6, 5), (24, 5)])
def test_a_feature_map_is_normalized_over_batch_and_positions_together(
    shape: tuple[int, ...],
) -> None:
    x = draw(shape)
    rows = normalize(x.reshape(-1, 5))
    np.testing.assert_array_equal(normalize(x).reshape(-1, 5), rows)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 6), (4, 5, 2, 3), (2, 5, 2, 3, 2)])
def test_channels_first_gives_what_channels_last_gives(shape: tuple[int, ...]) -> None:
    x, dy = draw(shape), draw(shape, seed=2)
    first, last = BatchNorm(5, axis=1, dtype="float64"), BatchNorm(5, dtype="float64")
    y, cache = first.forward(x, training=True)
    expected, expected_cache = last.forward(np.moveaxis(x, 1, -1), training=True)
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), expected, rtol=1e-12, atol=1e-13)
    dx, dx_last = (
        first.backward(dy, cache)[0],
        last.backward(np.moveaxis(dy, 1, -1), expected_cache)[0],
    )
    np.testing.assert_allclose(np.moveaxis(dx, 1, -1), dx_last, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axis", [-1, 1])
def test_no_pass_copies_its_arrays(axis: int) -> None:
    """What is allocated is y, then dx, and little beside."""
    x = np.random.default_rng(0).standard_normal((8, 32, 16, 32)).astype(np.float32)
    layer = BatchNorm(32, axis=axis)
    _, cache = layer.forward(x, training=True)
    layer.backward(x, cache)
    tracemalloc.start()
    y, cache = layer.forward(x, training=True)
    forward = tracemalloc.get_traced_memory()[1]
    dx, _ = layer.backward(y, cache)
    both = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert y.flags.c_contiguous
    assert dx.flags.c_contiguous
    assert x.nbytes <= forward < 1.2 * x.nbytes
    assert 2 * x.nbytes <= both < 2.2 * x.nbytes


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("shape", "axis"), [((40, 5), -1), ((6, 5, 4, 3), 1), ((5, 40), 0)])
def test_with_relu_is_the_relu_of_the_normalized_bit_for_bit(
    shape: tuple[int, ...], axis: int, training: bool
) -> None:
    x, layer, relu = draw(shape), away_from_defaults(5, axis=axis), ReLU()
    layer.update_statistics(layer.forward(x, training=True)[1])
    normalized, cache = layer.forward(x, training=training)
    y = cache.normalized(relu=True)
    expected, relu_cache = relu.forward(normalized, training=training)
    assert y.tobytes() == expected.tobytes()
    dy = draw(shape, seed=2)
    dx, gradients = layer.backward_with_relu(dy, cache)
    dx_in_turn, in_turn = layer.backward(relu.backward(dy, relu_cache)[0], cache)
    assert dx.tobytes() == dx_in_turn.tobytes()
    assert all(gradients[name].tobytes() == in_turn[name].tobytes() for name in in_turn)


def test_without_scale_and_shift_gamma_is_one_and_beta_zero() -> None:
    x, dy = draw((20, 4)), draw((20, 4), seed=2)
    bare, full = (
        BatchNorm(4, scale=False, shift=False, dtype="float64"),
        BatchNorm(4, dtype="float64"),
    )
    y, cache = bare.forward(x, training=True)
    expected, expected_cache = full.forward(x, training=True)
    np.testing.assert_array_equal(y, expected)
    dx, gradients = bare.backward(dy, cache)
    np.testing.assert_array_equal(dx, full.backward(dy, expected_cache)[0])
    assert gradients == {}
