"""Wrong implementations, most of them published, each with the law that catches it."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layers import laws
from layers.cases import Case
from normlab import gradcheck
from normlab.errors import OptimizerError
from normlab.kernels import convolution
from normlab.layers import BatchNorm, Conv2D, Dense, Layer, ReLU
from normlab.network import Network
from normlab.training import SGD, Adam, TrainingConfig

Array = NDArray[Any]


class Terms:
    """What a formula for dx is written in."""

    def __init__(self, layer: BatchNorm, dy: Array, cache: Any) -> None:
        self.dy, self.gamma, self.inv_std = dy, layer.parameters["gamma"], cache.inv_std
        self.x_hat = (cache.x - cache.mean) * cache.inv_std
        self.m = len(dy)
        self.d_beta, self.d_gamma = dy.sum(axis=0), (dy * self.x_hat).sum(axis=0)


Formula = Callable[[Terms], Array]


def right(t: Terms) -> Array:
    dx: Array = t.gamma * t.inv_std * (t.dy - t.d_beta / t.m - t.x_hat * t.d_gamma / t.m)
    return dx


# Wrong, and yet 0 where dy is the same everywhere: a check with ones lets them pass.
HIDDEN: dict[str, Formula] = {
    "gamma forgotten": lambda t: right(t) / t.gamma,
    "no variance term": lambda t: t.gamma * t.inv_std * (t.dy - t.d_beta / t.m),
    "multiplied by std": lambda t: right(t) / t.inv_std**2,
    "sum instead of mean in the variance term": lambda t: (
        t.gamma * t.inv_std * (t.dy - t.d_beta / t.m - t.x_hat * t.d_gamma)
    ),
    "variance term with the wrong sign": lambda t: (
        t.gamma * t.inv_std * (t.dy - t.d_beta / t.m + t.x_hat * t.d_gamma / t.m)
    ),
    "unbiased mean in the variance term": lambda t: (
        t.gamma * t.inv_std * (t.dy - t.d_beta / t.m - t.x_hat * t.d_gamma / (t.m - 1))
    ),
    "1 / std squared": lambda t: right(t) * t.inv_std,
    "nothing at all": lambda t: np.zeros_like(t.dy),
}

PLAIN: dict[str, Formula] = {
    "no mean term": lambda t: t.gamma * t.inv_std * (t.dy - t.x_hat * t.d_gamma / t.m),
    "sum instead of mean": lambda t: t.gamma * t.inv_std * (t.dy - t.d_beta - t.x_hat * t.d_gamma),
    "that of fixed statistics": lambda t: t.gamma * t.inv_std * t.dy,
}

EVERY_FORMULA = HIDDEN | PLAIN


class WithFormula(BatchNorm):
    """Batch normalization with another formula for dx in training."""

    def __init__(self, formula: Formula, **options: Any) -> None:
        super().__init__(3, **options)
        self.formula = formula

    def backward(self, dy: Array, cache: Any) -> Any:
        dx, gradients = super().backward(dy, cache)
        if cache.moments is not None:
            dx = self.formula(Terms(self, dy, cache)).astype(dx.dtype)
        return dx, gradients


def with_formula(formula: Formula) -> Case:
    return Case("mutant", lambda dtype: WithFormula(formula, dtype=dtype), (6, 3))


def mutant(make: Callable[..., Layer[Any]], shape: tuple[int, ...] = (6, 3)) -> Case:
    return Case("mutant", lambda dtype: make(3, dtype=dtype), shape)


def caught_by(law: laws.Law, case: Case, training: bool = True) -> bool:
    try:
        law(case, training)
    except (AssertionError, ValueError):
        return True
    return False


both_checks = pytest.mark.parametrize(
    "law", [laws.gradients_agree_along_a_random_direction, laws.gradients_agree_element_by_element]
)


@both_checks
@pytest.mark.parametrize("name", EVERY_FORMULA)
def test_a_wrong_dx_fails_the_gradient_check(law: laws.Law, name: str) -> None:
    assert caught_by(law, with_formula(EVERY_FORMULA[name]))


@both_checks
def test_the_right_dx_passes_the_gradient_check(law: laws.Law) -> None:
    assert not caught_by(law, with_formula(right))


def sum_of_outputs(y: Array, target: None) -> tuple[float, Array]:
    return float(y.sum()), np.ones_like(y)


@pytest.mark.parametrize("name", ["right", *HIDDEN])
def test_with_an_upstream_of_ones_wrong_formulas_pass_too(name: str) -> None:
    """That is why the upstream gradient of a gradient check is random."""
    case = with_formula(HIDDEN.get(name, right))
    rng = np.random.default_rng(0)
    errors = gradcheck.elementwise(case.layer(), case.batch(1), rng=rng, loss=sum_of_outputs)
    assert errors["x"] < laws.GRADIENT_TOLERANCE


def test_the_gradient_check_s_own_upstream_is_not_the_same_everywhere() -> None:
    seen: list[Array] = []

    class Spy(ReLU):
        def backward(self, dy: Array, cache: Any) -> Any:
            seen.append(dy)
            return super().backward(dy, cache)

    gradcheck.directional(Spy(), np.ones((4, 3)), rng=np.random.default_rng(0))
    assert len(np.unique(seen[0])) == 12


class UnsummedGamma(BatchNorm):
    """d_gamma is not summed over the batch."""

    def backward(self, dy: Array, cache: Any) -> Any:
        dx, gradients = super().backward(dy, cache)
        return dx, gradients | {"gamma": dy * (cache.x - cache.mean) * cache.inv_std}


class MeanedGamma(BatchNorm):
    """d_gamma and d_beta are means over the batch."""

    def backward(self, dy: Array, cache: Any) -> Any:
        dx, gradients = super().backward(dy, cache)
        return dx, {name: gradient / len(dy) for name, gradient in gradients.items()}


@both_checks
@pytest.mark.parametrize("make", [UnsummedGamma, MeanedGamma])
def test_wrong_parameter_gradients_fail_the_gradient_check(law: laws.Law, make: Any) -> None:
    assert caught_by(law, mutant(make))


class PerPosition(BatchNorm):
    """Published: images are flattened to rows, so that each position is normalized by itself."""

    def forward(self, x: Array, *, training: bool) -> Any:
        inner = BatchNorm(int(np.prod(x.shape[1:])), dtype="float64")
        y, cache = inner.forward(x.reshape(len(x), -1), training=training)
        return y.reshape(x.shape), cache


def equal_values_of_a_map_get_equal_outputs(layer: BatchNorm) -> bool:
    """In a feature map one scale and one offset serve all positions."""
    x = np.random.default_rng(0).integers(0, 3, (4, 2, 2, 3)).astype(float)
    y, _ = layer.forward(x, training=True)
    return all(len(np.unique(y[..., j].round(9))) == 3 for j in range(3))


def test_statistics_of_each_position_are_caught_on_images() -> None:
    assert equal_values_of_a_map_get_equal_outputs(BatchNorm(3, dtype="float64"))
    assert not equal_values_of_a_map_get_equal_outputs(PerPosition(3, dtype="float64"))


def evaluation_is_near_training_after_one_update(layer: BatchNorm) -> bool:
    """Of a batch of deviation 1, evaluation makes deviation 1 too, within a tenth."""
    x = np.random.default_rng(0).standard_normal((1000, 3))
    layer.update_statistics(layer.forward(x, training=True)[1])
    return bool(abs(layer.forward(x, training=False)[0].std() - 1) < 0.1)


def test_a_running_variance_that_starts_at_zero_is_caught() -> None:
    assert evaluation_is_near_training_after_one_update(BatchNorm(3, dtype="float64"))
    book = BatchNorm(3, convention="book", dtype="float64")
    assert not evaluation_is_near_training_after_one_update(book)


def test_10e_7_is_1e_6_and_a_layer_with_1e_7_is_caught() -> None:
    """The published code writes 10e-7; on a feature of deviation 1e-3 the two differ by a third."""
    assert BatchNorm(3, convention="book").eps == 10e-7 == 1e-6
    x = 1e-3 * np.random.default_rng(0).standard_normal((20, 3))
    outputs = [
        BatchNorm(3, convention="book", eps=eps, dtype="float64").forward(x, training=True)[0]
        for eps in (None, 10e-7, 1e-7)
    ]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.abs(outputs[2] / outputs[1] - 1).min() > 0.2


class WithDx(Conv2D):
    """Convolution with another dx."""

    def __init__(self, dx: Callable[[Array, Array, Any], Array], **options: Any) -> None:
        super().__init__(2, 3, 3, rng=np.random.default_rng(0), **options)
        self.dx = dx

    def backward(self, dy: Array, cache: Any) -> Any:
        return self.dx(dy, self.weight, cache.windows), self.parameter_gradients(dy, cache)


def shifted(dy: Array, weight: Array, w: Any) -> Array:
    before = w.before[0] - 1, w.before[1] - 1
    return convolution.backward_input(dy, weight, w._replace(before=before))


def without_stride(dy: Array, weight: Array, w: Any) -> Array:
    dx = np.zeros((len(dy), *w.image, weight.shape[2]))
    found = convolution.backward_input(dy, weight, w._replace(stride=(1, 1), image=w.output))
    dx[:, : w.output[0], : w.output[1]] = found
    return dx


WRONG_DX: dict[str, Callable[[Array, Array, Any], Array]] = {
    "weight turned around": lambda dy, weight, w: convolution.backward_input(
        dy, weight[::-1, ::-1], w
    ),
    "padding forgotten": shifted,
    "stride forgotten": without_stride,
    "border left out": lambda dy, weight, w: np.pad(
        convolution.backward_input(dy, weight, w)[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1), (0, 0))
    ),
}


def with_dx(dx: Callable[[Array, Array, Any], Array]) -> Case:
    return Case("mutant", lambda dtype: WithDx(dx, stride=2, dtype=dtype), (3, 6, 5, 2))


@both_checks
@pytest.mark.parametrize("name", WRONG_DX)
def test_a_wrong_dx_of_a_convolution_fails_the_gradient_check(law: laws.Law, name: str) -> None:
    assert not caught_by(law, with_dx(convolution.backward_input))
    assert caught_by(law, with_dx(WRONG_DX[name]))


class FirstImageOnly(Conv2D):
    """d_weight of the first image, as where a sum over the batch was forgotten."""

    def _gradients(self, dy: Array, cache: Any) -> Any:
        return super()._gradients(dy[:1], cache._replace(x=cache.x[:1]))


class MeanOverPlaces(Conv2D):
    """d_bias is a mean over the places of a map."""

    def _gradients(self, dy: Array, cache: Any) -> Any:
        found = super()._gradients(dy, cache)
        return found | {"bias": dy.mean(axis=(1, 2)).sum(axis=0)}


@both_checks
@pytest.mark.parametrize("make", [FirstImageOnly, MeanOverPlaces])
def test_wrong_gradients_of_a_convolution_fail_the_gradient_check(law: laws.Law, make: Any) -> None:
    def layer(dtype: str) -> Conv2D:
        wrong: Conv2D = make(2, 3, 3, rng=np.random.default_rng(0), dtype=dtype)
        return wrong

    assert caught_by(law, Case("mutant", layer, (3, 4, 5, 2)))


class WritingReLU(ReLU):
    """Backward writes zeros into the gradient that the caller gave it."""

    def backward(self, dy: Array, cache: Any) -> Any:
        dy[cache.y <= 0] = 0
        return dy, {}


def test_relu_that_writes_into_the_caller_s_gradient_is_caught() -> None:
    case = Case("mutant", lambda dtype: WritingReLU(), (6, 3))
    assert caught_by(laws.backward_changes_nothing, case)
    assert not caught_by(laws.gradients_agree_element_by_element, case)


class MovingForward(BatchNorm):
    """Forward moves the running statistics, so every check of the gradient does."""

    def forward(self, x: Array, *, training: bool) -> Any:
        y, cache = super().forward(x, training=training)
        if training:
            self.update_statistics(cache)
        return y, cache


def test_a_forward_that_moves_the_running_statistics_is_caught() -> None:
    assert caught_by(laws.forward_changes_nothing, mutant(MovingForward))


def test_even_then_our_gradient_check_moves_nothing() -> None:
    layer = MovingForward(3, dtype="float64")
    before = {name: array.tobytes() for name, array in layer.statistics.items()}
    gradcheck.elementwise(layer, np.eye(3) + 1.0, rng=np.random.default_rng(0))
    assert {name: array.tobytes() for name, array in layer.statistics.items()} == before


class Remembering(BatchNorm):
    """Backward uses what the layer remembers of its last forward, not the cache."""

    def forward(self, x: Array, *, training: bool) -> Any:
        y, self.last = super().forward(x, training=training)
        return y, self.last

    def backward(self, dy: Array, cache: Any) -> Any:
        return super().backward(dy, self.last)


def test_a_layer_that_remembers_its_last_forward_is_caught() -> None:
    law = laws.interleaved_forwards_do_not_disturb_each_other
    assert caught_by(law, mutant(Remembering))


def networks() -> tuple[Network, Network]:
    first = Network([Dense(4, 3, rng=np.random.default_rng(0))])
    return first, copy.deepcopy(first)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_one_optimizer_shared_by_two_networks_is_refused(make: Any) -> None:
    first, second = networks()
    optimizer = make(0.1)
    gradients = {name: np.ones_like(p) for name, p in first.parameters.items()}
    optimizer.step(first.parameters, gradients)
    before = second.parameters["0.weight"].copy()
    with pytest.raises(OptimizerError, match="state belongs to one network"):
        optimizer.step(second.parameters, gradients)
    np.testing.assert_array_equal(second.parameters["0.weight"], before)


def records_once_an_epoch(steps: list[int], per_epoch: int, epochs: int) -> bool:
    return [step // per_epoch for step in steps] == list(range(1, epochs + 1))


def test_every_epoch_by_a_float_modulo_is_caught() -> None:
    """1,000 rows in batches of 30 are 33.3 steps: the remainder is 0 every third epoch only."""
    n_rows, config = 1000, TrainingConfig(epochs=6, batch_size=30)
    steps, per_epoch = config.n_steps(n_rows), config.steps_per_epoch(n_rows)
    published = [step for step in range(1, steps + 1) if step % (n_rows / 30) == 0]
    assert not records_once_an_epoch(published, per_epoch, 6)
    assert records_once_an_epoch(list(config.recorded_steps(n_rows)), per_epoch, 6)


def test_a_mutant_without_its_mistake_obeys_every_law() -> None:
    """What catches the mutants is their mistake, not the frame they stand in."""
    for case in (with_formula(right), mutant(BatchNorm)):
        for law in laws.LAWS:
            assert not caught_by(law, case), law.__name__
