"""The loss kernels against their twins."""

import numpy as np
import pytest

from kernels.shapes import Array, rows
from normlab.kernels import losses
from reference import losses as twin

SHAPES = [(1, 2), (5, 3), (12, 10), (3, 70)]  # the last in parts, and some left over
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}

every_shape = pytest.mark.parametrize("shape", SHAPES)
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def assert_same(found: tuple[float, Array], expected: tuple[float, Array], dtype: str) -> None:
    assert found[1].dtype == dtype
    assert found[0] == pytest.approx(expected[0], rel=TOLERANCE[dtype])
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=TOLERANCE[dtype])


@both_dtypes
@every_shape
def test_cross_entropy_of_indices_is_that_of_the_twin(shape: tuple[int, int], dtype: str) -> None:
    y = 3 * rows(shape, dtype, seed=1)
    labels = np.random.default_rng(2).integers(shape[1], size=shape[0])
    expected = twin.softmax_cross_entropy(y, np.eye(shape[1])[labels])
    assert_same(losses.cross_entropy_of_indices(y, labels), expected, dtype)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 5, 37, 69])
def test_not_a_number_stays_one_wherever_it_is_in_a_long_row(place: int, wrong: float) -> None:
    y = rows((2, 70), "float32", seed=1)
    y[1, place] = wrong
    value, dy = losses.cross_entropy_of_indices(y, np.array([1, 2]))
    assert np.isnan(value)
    np.testing.assert_array_equal(np.isnan(dy).all(axis=1), [False, True])


@both_dtypes
@every_shape
def test_cross_entropy_of_soft_targets_is_that_of_the_twin(
    shape: tuple[int, int], dtype: str
) -> None:
    y = 3 * rows(shape, dtype, seed=1)
    target = np.random.default_rng(2).dirichlet(np.ones(shape[1]), size=shape[0]).astype(dtype)
    expected = twin.softmax_cross_entropy(y, target)
    assert_same(losses.cross_entropy_of_one_hot(y, target), expected, dtype)


@both_dtypes
@every_shape
def test_squared_error_is_that_of_the_twin(shape: tuple[int, int], dtype: str) -> None:
    y, target = rows(shape, dtype, seed=1), rows(shape, dtype, seed=2)
    assert_same(losses.squared_error(y, target), twin.squared_error(y, target), dtype)


@both_dtypes
@every_shape
def test_softmax_is_that_of_the_twin(shape: tuple[int, int], dtype: str) -> None:
    y = 3 * rows(shape, dtype, seed=1)
    expected = [twin.softmax_row(row) for row in y.tolist()]
    np.testing.assert_allclose(losses.softmax(y), expected, rtol=0, atol=TOLERANCE[dtype])


@both_dtypes
def test_rows_of_a_target_need_not_sum_to_one(dtype: str) -> None:
    y, target = rows((5, 3), dtype, seed=1), np.abs(rows((5, 3), dtype, seed=2))
    expected = twin.softmax_cross_entropy(y, target)
    assert_same(losses.cross_entropy_of_one_hot(y, target), expected, dtype)


def test_softmax_of_large_outputs_does_not_overflow() -> None:
    np.testing.assert_array_equal(
        losses.softmax(np.array([[5000.0, 5000.0, 0.0]])), [[0.5, 0.5, 0]]
    )


def test_a_class_of_probability_zero_costs_nothing_where_the_target_is_zero() -> None:
    y, target = np.array([[0.0, -np.inf]]), np.array([[1.0, 0.0]])
    assert losses.cross_entropy_of_one_hot(y, target)[0] == 0


def test_log_softmax_is_the_logarithm_of_softmax() -> None:
    y = rows((4, 5), "float64", seed=1)
    np.testing.assert_allclose(losses.log_softmax(y), np.log(losses.softmax(y)), rtol=1e-12)


def test_log_softmax_knows_probabilities_too_small_for_a_float() -> None:
    np.testing.assert_array_equal(losses.log_softmax(np.array([[0.0, -5000.0]])), [[0, -5000]])


@pytest.mark.parametrize("offset", [1e4, -1e4])
def test_a_common_offset_of_the_outputs_changes_nothing(offset: float) -> None:
    y, labels = rows((4, 5), "float64", seed=1), np.array([0, 4, 2, 2])
    value, dy = losses.cross_entropy_of_indices(y, labels)
    moved_value, moved_dy = losses.cross_entropy_of_indices(y + offset, labels)
    assert moved_value == pytest.approx(value, rel=1e-11)
    np.testing.assert_allclose(moved_dy, dy, atol=1e-11)


def test_gradients_of_cross_entropy_sum_to_zero_in_each_row() -> None:
    _, dy = losses.cross_entropy_of_indices(rows((4, 5), "float64", seed=1), np.arange(4))
    np.testing.assert_allclose(dy.sum(axis=1), 0, atol=1e-16)


def test_losses_change_neither_output_nor_target() -> None:
    y, target = rows((4, 5), "float64", seed=1), rows((4, 5), "float64", seed=2)
    before = y.tobytes(), target.tobytes()
    losses.cross_entropy_of_indices(y, np.arange(4))
    losses.cross_entropy_of_one_hot(y, target)
    losses.squared_error(y, target)
    assert (y.tobytes(), target.tobytes()) == before
