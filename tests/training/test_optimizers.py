import copy
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest

from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import ArgumentError, OptimizerError, ShapeError
from normlab.training import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)

Rule = Callable[[FloatArray, Iterator[FloatArray]], Iterator[FloatArray]]
"""A plain re-derivation: the first parameter and the gradients in, every new parameter out."""

N_STEPS = 6


def sgd(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    for g in gradients:
        p = p - 0.1 * g
        yield p


def momentum(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    v = np.zeros_like(p)
    for g in gradients:
        v = 0.8 * v - 0.1 * g
        p = p + v
        yield p


def nesterov(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    # In the original variables: ahead = q + mu v is where the gradient is taken.
    v = np.zeros_like(p)
    q = p
    for g in gradients:
        v = 0.8 * v - 0.1 * g
        q = q + v
        yield q + 0.8 * v


def adagrad(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    seen = []
    for g in gradients:
        seen.append(g)
        p = p - 0.1 * g / (np.sqrt(sum(np.square(s) for s in seen)) + 1e-3)
        yield p


def rmsprop(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    h = np.zeros_like(p)
    for g in gradients:
        h = 0.7 * h + 0.3 * g**2
        p = p - 0.1 * g / (np.sqrt(h) + 1e-3)
        yield p


def adam(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, g in zip(count(1), gradients, strict=False):
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        m_hat, v_hat = m / (1 - 0.8**t), v / (1 - 0.95**t)
        p = p - 0.1 * m_hat / (np.sqrt(v_hat) + 1e-3)
        yield p


def adamw(p: FloatArray, gradients: Iterator[FloatArray]) -> Iterator[FloatArray]:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, g in zip(count(1), gradients, strict=False):
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        m_hat, v_hat = m / (1 - 0.8**t), v / (1 - 0.95**t)
        p = p - 0.1 * (m_hat / (np.sqrt(v_hat) + 1e-3) + 0.2 * p)
        yield p


def make_adam() -> Optimizer:
    return Adam(0.1, beta1=0.8, beta2=0.95, eps=1e-3)


def make_adamw() -> Optimizer:
    return AdamW(0.1, beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=0.2)


CASES: list[tuple[Callable[[], Optimizer], Rule]] = [
    (lambda: SGD(0.1), sgd),
    (lambda: Momentum(0.1, momentum=0.8), momentum),
    (lambda: Nesterov(0.1, momentum=0.8), nesterov),
    (lambda: AdaGrad(0.1, eps=1e-3), adagrad),
    (lambda: RMSProp(0.1, rho=0.7, eps=1e-3), rmsprop),
    (make_adam, adam),
    (make_adamw, adamw),
]
ALL = pytest.mark.parametrize(("make", "rule"), CASES, ids=[rule.__name__ for _, rule in CASES])


def start(dtype: Any = np.float64) -> Parameters:
    rng = np.random.default_rng(1)
    return {
        "0.weight": rng.standard_normal((3, 4)).astype(dtype),
        "1.weight": rng.standard_normal((4, 2)).astype(dtype),
    }


def gradient_series(dtype: Any = np.float64) -> list[Gradients]:
    rng = np.random.default_rng(2)
    return [
        {name: rng.standard_normal(p.shape).astype(dtype) for name, p in start().items()}
        for _ in range(N_STEPS)
    ]


@ALL
def test_steps_follow_the_published_rule(make: Callable[[], Optimizer], rule: Rule) -> None:
    parameters, series = start(), gradient_series()
    expected = {
        name: list(rule(p, (gradients[name] for gradients in series)))
        for name, p in start().items()
    }
    optimizer = make()
    for t, gradients in enumerate(series):
        optimizer.step(parameters, gradients)
        for name, p in parameters.items():
            np.testing.assert_allclose(p, expected[name][t], rtol=1e-12, atol=1e-14)


@ALL
def test_float32_parameters_stay_float32(make: Callable[[], Optimizer], rule: Rule) -> None:
    narrow, wide, series = start(np.float32), start(), gradient_series()
    optimizers = make(), make()
    for gradients in series:
        optimizers[0].step(narrow, gradients)
        optimizers[1].step(wide, gradients)
    for name, p in narrow.items():
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, wide[name], rtol=1e-5, atol=1e-6)


@ALL
def test_gradients_are_left_unchanged(make: Callable[[], Optimizer], rule: Rule) -> None:
    gradients = gradient_series()[0]
    for g in gradients.values():
        g.setflags(write=False)
    make().step(start(), gradients)
    np.testing.assert_array_equal(gradients["0.weight"], gradient_series()[0]["0.weight"])


@ALL
def test_layout_of_parameters_and_gradients_changes_nothing(
    make: Callable[[], Optimizer], rule: Rule
) -> None:
    plain, strided, series = start(), start(), gradient_series()
    store = np.zeros((8, 6))
    strided["0.weight"] = np.asfortranarray(strided["0.weight"])
    store[::2, ::3] = strided["1.weight"]
    strided["1.weight"] = store[::2, ::3]
    optimizers = make(), make()
    for gradients in series:
        optimizers[0].step(plain, gradients)
        optimizers[1].step(strided, {n: np.asfortranarray(g) for n, g in gradients.items()})
    for name, p in plain.items():
        np.testing.assert_array_equal(strided[name], p)
    assert np.count_nonzero(store) == 8  # nothing beside the view was written


@ALL
def test_a_second_network_is_refused(make: Callable[[], Optimizer], rule: Rule) -> None:
    optimizer, gradients = make(), gradient_series()[0]
    optimizer.step(start(), gradients)
    other = start()
    with pytest.raises(OptimizerError, match="parameters must be the arrays of this optimizer's"):
        optimizer.step(other, gradients)
    np.testing.assert_array_equal(other["0.weight"], start()["0.weight"])


def test_a_network_with_one_array_replaced_is_refused() -> None:
    optimizer, parameters, gradients = SGD(), start(), gradient_series()[0]
    optimizer.step(parameters, gradients)
    before = parameters["0.weight"].copy()
    parameters["1.weight"] = parameters["1.weight"].copy()
    with pytest.raises(OptimizerError, match="set weights by writing into their arrays"):
        optimizer.step(parameters, gradients)
    np.testing.assert_array_equal(parameters["0.weight"], before)


@ALL
def test_parameters_of_two_dtypes_are_updated_as_if_alone(
    make: Callable[[], Optimizer], rule: Rule
) -> None:
    mixed, narrow, wide = start(), start(np.float32), start()
    mixed["1.weight"] = narrow["1.weight"].copy()
    optimizers = make(), make(), make()
    for gradients in gradient_series():
        for optimizer, parameters in zip(optimizers, (mixed, narrow, wide), strict=True):
            optimizer.step(parameters, gradients)
    np.testing.assert_array_equal(mixed["0.weight"], wide["0.weight"])
    np.testing.assert_array_equal(mixed["1.weight"], narrow["1.weight"])


@ALL
def test_a_copy_of_optimizer_and_parameters_goes_on_alone(
    make: Callable[[], Optimizer], rule: Rule
) -> None:
    optimizer, parameters, series = make(), start(), gradient_series()
    optimizer.step(parameters, series[0])
    other, others = copy.deepcopy((optimizer, parameters))
    before = parameters["0.weight"].copy()
    other.step(others, series[1])
    np.testing.assert_array_equal(parameters["0.weight"], before)
    optimizer.step(parameters, series[1])
    np.testing.assert_array_equal(parameters["0.weight"], others["0.weight"])


def test_other_names_than_those_of_the_first_step_are_refused() -> None:
    optimizer, parameters, gradients = SGD(), start(), gradient_series()[0]
    optimizer.step(parameters, gradients)
    del parameters["1.weight"], gradients["1.weight"]
    with pytest.raises(OptimizerError, match="make an optimizer for each"):
        optimizer.step(parameters, gradients)


def test_missing_and_surplus_gradients_are_named() -> None:
    gradients = gradient_series()[0]
    gradients["2.weight"] = gradients.pop("1.weight")
    message = r"gradients must name each parameter, got a difference in \['1.weight', '2.weight'\]"
    with pytest.raises(ArgumentError, match=message):
        SGD().step(start(), gradients)


def test_a_gradient_of_another_shape_is_named_and_nothing_is_written() -> None:
    parameters, gradients = start(), gradient_series()[0]
    gradients["1.weight"] = gradients["1.weight"].T
    message = r"gradients\['1.weight'\] must have shape \(4, 2\), got \(2, 4\)"
    with pytest.raises(ShapeError, match=message):
        SGD().step(parameters, gradients)
    np.testing.assert_array_equal(parameters["0.weight"], start()["0.weight"])


def test_integer_parameters_are_refused() -> None:
    integers: Any = {"weight": np.zeros(3, int)}
    with pytest.raises(ArgumentError, match=r"parameters\['weight'\] must be of dtype float32"):
        SGD().step(integers, {"weight": np.zeros(3)})


def test_learning_rate_may_change_between_steps() -> None:
    parameters: Parameters = {"weight": np.zeros(2)}
    optimizer = SGD(1.0)
    optimizer.step(parameters, {"weight": np.ones(2)})
    optimizer.learning_rate = 0.25
    optimizer.step(parameters, {"weight": np.ones(2)})
    np.testing.assert_array_equal(parameters["weight"], [-1.25, -1.25])
    with pytest.raises(ArgumentError, match="learning_rate must be a finite number above 0"):
        optimizer.learning_rate = -1
    assert optimizer.learning_rate == 0.25


def test_adamw_decays_weights_and_nothing_else() -> None:
    names = ("0.weight", "0.bias", "1.gamma", "1.beta", "weight")
    parameters: Parameters = {name: np.ones(2) for name in names}
    AdamW(0.1, weight_decay=0.5).step(parameters, {name: np.zeros(2) for name in names})
    changed = [name for name, p in parameters.items() if not (p == 1).all()]
    assert changed == ["0.weight", "weight"]
    assert parameters["weight"][0] == pytest.approx(0.95)


def test_first_step_of_adam_has_the_length_of_the_learning_rate() -> None:
    parameters: Parameters = {"weight": np.zeros(3)}
    Adam(0.01).step(parameters, {"weight": np.array([1e-3, -1.0, 1e3])})
    np.testing.assert_allclose(parameters["weight"], [-0.01, 0.01, -0.01], rtol=1e-4)


@ALL
def test_nan_in_a_gradient_shows_in_the_parameter(
    make: Callable[[], Optimizer], rule: Rule
) -> None:
    parameters: Parameters = {"weight": np.zeros(2)}
    make().step(parameters, {"weight": np.array([np.nan, 1.0])})
    assert np.isnan(parameters["weight"]).tolist() == [True, False]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0), "learning_rate must be a finite number above 0, got 0"),
        (lambda: SGD(float("nan")), "learning_rate must be a finite number above 0, got nan"),
        (lambda: Momentum(momentum=1), "momentum must be a finite number at least 0 and below 1"),
        (lambda: Nesterov(momentum=-0.1), "momentum must be a finite number at least 0 and below"),
        (lambda: AdaGrad(eps=0), "eps must be a finite number at least 1.2e-38, got 0"),
        (lambda: RMSProp(rho=1), "rho must be a finite number at least 0 and below 1, got 1"),
        (lambda: Adam(beta1=1), "beta1 must be a finite number at least 0 and below 1, got 1"),
        (lambda: Adam(beta2=2), "beta2 must be a finite number at least 0 and below 1, got 2"),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be a finite number at least 0, got"),
    ],
)
def test_wrong_hyperparameters_are_refused(make: Callable[[], Optimizer], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_repr_states_class_and_learning_rate() -> None:
    assert repr(Nesterov(0.05)) == "Nesterov(learning_rate=0.05)"


def test_a_refused_step_leaves_the_optimizer_unbound() -> None:
    optimizer, p = SGD(learning_rate=1.0), np.ones(2)
    with pytest.raises(ArgumentError, match="gradients must name each parameter"):
        optimizer.step({"w": p}, {"v": p})
    other = np.ones(3)
    optimizer.step({"v": other}, {"v": np.ones(3)})
    np.testing.assert_array_equal(other, 0)


def test_a_read_only_parameter_is_refused() -> None:
    p = np.ones(2)
    p.flags.writeable = False
    with pytest.raises(ArgumentError, match=r"parameters\['w'\] must be writeable"):
        SGD().step({"w": p}, {"w": np.ones(2)})


def test_adam_keeps_a_beta2_that_float32_would_round_to_1() -> None:
    p = np.zeros(1, np.float32)
    Adam(learning_rate=1.0, beta2=0.99999999).step({"w": p}, {"w": np.ones(1, np.float32)})
    np.testing.assert_allclose(p, -1, rtol=1e-5)
