from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from normlab._typing import FloatArray
from normlab.data import one_hot
from normlab.errors import ArgumentError, ShapeError
from normlab.training import Loss, SoftmaxCrossEntropy, SquaredError, accuracy

INDICES = np.array([2, 0, 1, 2, 2])
SOFT = np.array(
    [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.8, 0.1], [0.0, 0.5, 0.5], [0.4, 0.4, 0.2]]
)


def outputs(scale: float = 1.0) -> FloatArray:
    return scale * np.random.default_rng(3).standard_normal((5, 3))


def differences(f: Callable[[FloatArray], float], y: FloatArray, step: float = 1e-5) -> FloatArray:
    """Central differences of f, element by element."""
    gradient = np.empty_like(y)
    for index in np.ndindex(y.shape):
        nudge = np.zeros_like(y)
        nudge[index] = step
        gradient[index] = (f(y + nudge) - f(y - nudge)) / (2 * step)
    return gradient


def test_cross_entropy_is_minus_the_mean_log_probability_of_the_target() -> None:
    y = outputs()
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    value, _ = SoftmaxCrossEntropy()(y, INDICES)
    assert value == pytest.approx(-np.log(p[np.arange(5), INDICES]).mean(), rel=1e-14)


def test_squared_error_is_half_the_squared_distance_a_row() -> None:
    value, dy = SquaredError()(outputs(), SOFT)
    assert value == pytest.approx(((outputs() - SOFT) ** 2).sum() / 10, rel=1e-14)
    np.testing.assert_allclose(dy, (outputs() - SOFT) / 5, rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (SoftmaxCrossEntropy(), INDICES),
        (SoftmaxCrossEntropy(), one_hot(INDICES, 3)),
        (SoftmaxCrossEntropy(), SOFT),
        (SoftmaxCrossEntropy(), 2 * SOFT),
        (SquaredError(), SOFT),
    ],
    ids=["indices", "one-hot", "soft", "weighted rows", "squared error"],
)
def test_gradient_is_that_of_central_differences(loss: Loss, target: Any) -> None:
    _, dy = loss(outputs(), target)
    expected = differences(lambda y: loss(y, target)[0], outputs())
    np.testing.assert_allclose(dy, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_rows_mean_the_same_as_class_indices(dtype: Any) -> None:
    y = outputs().astype(dtype)
    of_indices = SoftmaxCrossEntropy()(y, INDICES)
    of_rows = SoftmaxCrossEntropy()(y, one_hot(INDICES, 3))
    assert of_rows[0] == pytest.approx(of_indices[0], rel=1e-6)
    np.testing.assert_allclose(of_rows[1], of_indices[1], atol=1e-7)


def test_integer_one_hot_rows_are_taken_too() -> None:
    target = np.eye(3, dtype=np.int64)[INDICES]
    assert SoftmaxCrossEntropy()(outputs(), target)[0] == pytest.approx(
        SoftmaxCrossEntropy()(outputs(), INDICES)[0]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_right_answer_of_huge_logits_costs_nothing(dtype: Any) -> None:
    y = np.array([[1e4, -1e4, 0.0]], dtype=dtype)
    value, dy = SoftmaxCrossEntropy()(y, np.array([0]))
    assert value == 0
    np.testing.assert_array_equal(dy, [[0, 0, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [np.array([1]), np.array([[0.0, 1.0, 0.0]])])
def test_a_wrong_answer_of_huge_logits_costs_their_difference(dtype: Any, target: Any) -> None:
    y = np.array([[1e4, -1e4, 0.0]], dtype=dtype)
    value, dy = SoftmaxCrossEntropy()(y, target)
    assert value == 2e4
    np.testing.assert_array_equal(dy, [[1, -1, 0]])


@pytest.mark.parametrize("target", [np.array([0]), np.array([[1.0, 0.0]])])
def test_a_class_of_logit_minus_infinity_is_impossible_and_harmless(target: Any) -> None:
    value, dy = SoftmaxCrossEntropy()(np.array([[0.0, -np.inf]]), target)
    assert value == 0
    np.testing.assert_array_equal(dy, [[0, 0]])


def test_a_constant_added_to_a_row_changes_nothing() -> None:
    shifted = SoftmaxCrossEntropy()(outputs() + 1e3, INDICES)
    plain = SoftmaxCrossEntropy()(outputs(), INDICES)
    assert shifted[0] == pytest.approx(plain[0], rel=1e-12)
    np.testing.assert_allclose(shifted[1], plain[1], atol=1e-13)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SquaredError()], ids=repr)
def test_nan_passes_through(loss: Loss) -> None:
    y = outputs()
    y[1, 1] = np.nan
    value, dy = loss(y, SOFT)
    assert np.isnan(value)
    assert np.isnan(dy[1, 1])


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SquaredError()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_has_the_dtype_of_the_output(loss: Loss, dtype: Any) -> None:
    for target_dtype in (np.float32, np.float64):
        value, dy = loss(outputs().astype(dtype), SOFT.astype(target_dtype))
        assert dy.dtype == dtype
        assert type(value) is float


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SquaredError()], ids=repr)
def test_output_and_target_are_left_unchanged(loss: Loss) -> None:
    y, target = outputs(), SOFT.copy()
    y.setflags(write=False)
    target.setflags(write=False)
    loss(y, target)
    np.testing.assert_array_equal(y, outputs())


def test_the_mean_is_over_rows_whatever_their_number() -> None:
    y = np.tile(outputs(), (7, 1))
    repeated = SoftmaxCrossEntropy()(y, np.tile(INDICES, 7))[0]
    assert repeated == pytest.approx(SoftmaxCrossEntropy()(outputs(), INDICES)[0])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.zeros(4, int), r"target must have shape \(5,\) for class indices or \(5, 3\) for"),
        (np.zeros((5, 2)), r"target must have shape \(5, 3\), got \(5, 2\)"),
        (np.zeros((5, 3, 1)), r"target must have shape \(5,\) for class indices"),
        (np.zeros(5), r"target must be integers when it is \(5,\), got float64"),
        (np.array([0, 1, 2, 3, 0]), r"target must be class indices in 0\.\.2, got 3"),
        (np.array([0, 1, -1, 2, 0]), r"target must be class indices in 0\.\.2, got -1"),
    ],
)
def test_wrong_targets_of_cross_entropy_are_refused(target: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        SoftmaxCrossEntropy()(outputs(), target)


def test_squared_error_refuses_class_indices() -> None:
    with pytest.raises(ShapeError, match=r"target must have shape \(5, 3\), got \(5,\)"):
        SquaredError()(outputs(), INDICES)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SquaredError()], ids=repr)
@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0), (2, 3, 1)])
def test_output_must_be_rows(loss: Loss, shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ShapeError, match=r"y must have shape \(n, n_outputs\), both at least 1, got"
    ):
        loss(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize(
    "measure",
    [SoftmaxCrossEntropy(), SquaredError(), accuracy],
    ids=["cross-entropy", "squared error", "accuracy"],
)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([[1], [1, 2]], r"^target must have rows of one length, got several\."),
        ([["a"] * 3] * 5, r"^target must be an array of numbers, got dtype <U1\."),
        (None, r"^target must be an array of numbers, got dtype object\."),
    ],
)
def test_targets_are_numbers_in_rows_of_one_length(measure: Any, target: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        measure(outputs(), target)


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), SquaredError()], ids=repr)
def test_output_must_be_floats(loss: Loss) -> None:
    with pytest.raises(ArgumentError, match="y must be of dtype float32 or float64, got int64"):
        loss(np.zeros((5, 3), int), SOFT)


@pytest.mark.parametrize("dtype", [">i4", ">i8", ">u2", "<i4"])
def test_labels_may_have_any_byte_order(dtype: str) -> None:
    y, labels = np.random.default_rng(0).standard_normal((4, 3)), np.array([2, 0, 1, 1])
    other = labels.astype(dtype)
    assert SoftmaxCrossEntropy()(y, other)[0] == SoftmaxCrossEntropy()(y, labels)[0]
    assert accuracy(y, other) == accuracy(y, labels)
