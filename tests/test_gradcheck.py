"""The gradient check passes what is right, catches what is wrong, and touches nothing."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab import gradcheck
from normlab.errors import ArgumentError, ShapeError
from normlab.layers import BatchNorm, Dense, Dropout, Layer, ReLU, Sigmoid, Tanh
from normlab.network import MLPSpec, Network, build_mlp
from normlab.training import SoftmaxCrossEntropy, SquaredError

Array = NDArray[Any]
Check = Any

X = np.random.default_rng(1).standard_normal((8, 5))
LABELS = np.array([0, 1, 2, 2, 1, 0, 0, 1])

both_checks = pytest.mark.parametrize("check", [gradcheck.directional, gradcheck.elementwise])
both_modes = pytest.mark.parametrize("training", [True, False])


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def perceptron(**options: Any) -> Network:
    """Return a network of two hidden layers, away from its defaults and with statistics."""
    spec = MLPSpec(sizes=(5, 6, 4, 3), dtype="float64", **{"normalization": "batch"} | options)
    network, draw = build_mlp(spec, rng=np.random.default_rng(0)), np.random.default_rng(3)
    for array in network.parameters.values():
        array += 0.3 * draw.standard_normal(array.shape)
    network.update_statistics(network.forward(X, training=True)[1])
    return network


def worst(result: float | dict[str, float]) -> float:
    return max(result.values()) if isinstance(result, dict) else result


class WrongTanh(Layer[Array]):
    """Tanh whose dx is wrong by a factor, in one element only where ``at`` says which."""

    def __init__(self, factor: float, at: Any = ...) -> None:
        self.factor, self.at = factor, at

    def forward(self, x: Array, *, training: bool) -> tuple[Array, Array]:
        return np.tanh(x), np.tanh(x)

    def backward(self, dy: Array, cache: Array) -> tuple[Array, dict[str, Array]]:
        dx = dy * (1 - cache**2)
        dx[self.at] *= self.factor
        return dx, {}


class WrongGradients(Dense):
    """A dense layer whose gradients are edited."""

    def __init__(self, edit: Any) -> None:
        super().__init__(5, 3, rng=rng(), dtype="float64")
        self.edit = edit

    def backward(self, dy: Any, cache: Any) -> Any:
        dx, gradients = super().backward(dy, cache)
        self.edit(gradients)
        return dx, gradients


@both_modes
@both_checks
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"normalization": "none"},
        {"activation": "sigmoid", "placement": "after"},
        {"activation": "tanh", "dropout": 0.3},
        {"dropout": 0.5, "convention": "book"},
        {"bias_before_normalization": True},
    ],
    ids=str,
)
def test_a_whole_network_with_its_loss_passes(
    check: Check, training: bool, options: dict[str, Any]
) -> None:
    network, loss = perceptron(**options), SoftmaxCrossEntropy()
    result = check(network, X, rng=rng(), training=training, loss=loss, target=LABELS)
    assert worst(result) < 1e-6


def test_every_parameter_of_every_layer_is_checked_by_name() -> None:
    """W, b, gamma and beta of each layer, as the published network checks its own."""
    network = perceptron(bias_before_normalization=True)
    errors = gradcheck.elementwise(network, X, rng=rng(), loss=SoftmaxCrossEntropy(), target=LABELS)
    assert list(errors) == ["x", *network.parameters]
    assert len(errors) == 1 + 3 * 2 + 2 * 2
    assert max(errors.values()) < 1e-6


@both_checks
def test_soft_targets_and_squared_error_pass(check: Check) -> None:
    target = np.random.default_rng(4).dirichlet(np.ones(3), size=8)
    for loss in (SoftmaxCrossEntropy(), SquaredError()):
        assert worst(check(perceptron(), X, rng=rng(), loss=loss, target=target)) < 1e-6


@both_modes
@both_checks
def test_nothing_in_the_network_changes(check: Check, training: bool) -> None:
    network, x = perceptron(dropout=0.5), X.copy()
    before = {n: a.tobytes() for n, a in (network.parameters | network.statistics).items()}
    check(network, x, rng=rng(), training=training, loss=SoftmaxCrossEntropy(), target=LABELS)
    after = {n: a.tobytes() for n, a in (network.parameters | network.statistics).items()}
    assert after == before
    np.testing.assert_array_equal(x, X)


@both_checks
def test_the_generator_of_dropout_does_not_move(check: Check) -> None:
    layer = Dropout(0.5, rng=np.random.default_rng(0))
    before = layer.rng.bit_generator.state
    check(layer, X, rng=rng())
    assert layer.rng.bit_generator.state == before


@both_checks
def test_the_same_generator_gives_the_same_error(check: Check) -> None:
    assert check(perceptron(), X, rng=rng()) == check(perceptron(), X, rng=rng())


@both_checks
@pytest.mark.parametrize("layer", [Dense(5, 3, rng=rng()), BatchNorm(5)])
def test_float32_parameters_are_refused(check: Check, layer: Any) -> None:
    name = next(iter(layer.parameters))
    with pytest.raises(ArgumentError, match=f"^{name} must be float64 for a gradient check"):
        check(layer, X, rng=rng())


@both_checks
@pytest.mark.parametrize("x", [X.astype(np.float32), [[1.0, 2.0]], X.astype(int)])
def test_an_input_that_is_not_float64_is_refused(check: Check, x: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^x must be float64 for a gradient check, got "):
        check(ReLU(), x, rng=rng())


@both_checks
@pytest.mark.parametrize("step", [0, -1e-6, np.nan])
def test_a_step_that_is_not_positive_is_refused(check: Check, step: float) -> None:
    with pytest.raises(ArgumentError, match=r"^step must be a finite number above 0, got "):
        check(Tanh(), X, rng=rng(), step=step)


@both_checks
def test_a_seed_in_the_place_of_a_generator_is_refused(check: Check) -> None:
    with pytest.raises(ArgumentError, match=r"^rng must be a numpy\.random\.Generator, got 0\."):
        check(Tanh(), X, rng=0)


@both_checks
@pytest.mark.parametrize("factor", [0.0, -1.0, 0.99, 1.001, 2.0])
def test_a_planted_factor_is_caught(check: Check, factor: float) -> None:
    assert worst(check(WrongTanh(factor), X, rng=rng())) > 1e-4


@both_checks
def test_without_the_factor_the_same_layer_passes(check: Check) -> None:
    assert worst(check(WrongTanh(1.0), X, rng=rng())) < 1e-7


@both_checks
def test_one_wrong_element_is_caught(check: Check) -> None:
    assert worst(check(WrongTanh(1.5, at=(3, 2)), X, rng=rng())) > 1e-3


@both_checks
@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_never_small(check: Check, factor: float) -> None:
    assert not worst(check(WrongTanh(factor, at=(3, 2)), X, rng=rng())) < 1.0


@both_checks
def test_nan_is_caught_where_the_true_gradient_is_zero(check: Check) -> None:
    """Far out tanh is flat."""
    assert np.isnan(worst(check(WrongTanh(np.nan), 1e4 * np.ones((2, 2)), rng=rng())))


def test_the_element_by_element_check_names_what_is_wrong() -> None:
    wrong = WrongGradients(lambda g: g.update(bias=2 * g["bias"]))
    errors = gradcheck.elementwise(wrong, X, rng=rng())
    assert [name for name, error in errors.items() if error > 1e-6] == ["bias"]


@both_checks
def test_a_forgotten_gradient_is_caught(check: Check) -> None:
    wrong = WrongGradients(lambda g: g.pop("bias"))
    with pytest.raises(ArgumentError, match=re.escape("got a difference in ['bias'].")):
        check(wrong, X, rng=rng())


@both_checks
def test_a_gradient_of_the_wrong_shape_is_caught(check: Check) -> None:
    wrong = WrongGradients(lambda g: g.update(bias=g["bias"][:2]))
    message = r"^gradients\['bias'\] must have shape \(3,\), got \(2,\)\.$"
    with pytest.raises(ShapeError, match=message):
        check(wrong, X, rng=rng())


@both_checks
def test_a_gradient_too_small_for_differences_to_see_counts_as_none(check: Check) -> None:
    """sum(y) of a batch normalization does not depend on x: both sides are rounding."""
    result = check(
        BatchNorm(5, scale=False, shift=False),
        X,
        rng=rng(),
        loss=lambda y, target: (float(y.sum()), np.ones_like(y)),
    )
    assert worst(result) == 0


@both_checks
def test_an_array_without_elements_has_no_error(check: Check) -> None:
    assert worst(check(Sigmoid(), np.zeros((0, 3)), rng=rng())) == 0


@both_checks
def test_a_layer_may_draw_from_the_generator_of_the_check(check: Check) -> None:
    shared = rng()
    assert worst(check(Dropout(0.5, rng=shared), X, rng=shared)) < 1e-7
