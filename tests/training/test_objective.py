from typing import Any

import numpy as np
import pytest
from toy import bits, toy_data, toy_network

from normlab import gradcheck
from normlab.data import Dataset
from normlab.errors import ArgumentError
from normlab.training import SoftmaxCrossEntropy, objective

DECAY = 0.3


def data() -> Dataset:
    return toy_data(dtype=np.float64)


def test_value_without_decay_is_the_loss_in_training_mode() -> None:
    network, loss = toy_network(dtype="float64"), SoftmaxCrossEntropy()
    y, _ = network.forward(data().x_train, training=True)
    value = objective(network, loss, data().x_train, data().y_train).value
    assert value == loss(y, data().y_train)[0]


def test_decay_adds_half_the_squared_weights() -> None:
    network, loss = toy_network(dtype="float64"), SoftmaxCrossEntropy()
    x, target = data().x_train, data().y_train
    plain, decayed = (objective(network, loss, x, target, decay) for decay in (0, DECAY))
    weights = [p for name, p in network.parameters.items() if name.endswith("weight")]
    squares = sum(float((w**2).sum()) for w in weights)
    assert len(weights) == 3
    assert decayed.value - plain.value == pytest.approx(DECAY / 2 * squares)


def test_decay_adds_to_the_gradients_of_weights_only() -> None:
    network, loss = toy_network(dtype="float64"), SoftmaxCrossEntropy()
    x, target = data().x_train, data().y_train
    plain, decayed = (objective(network, loss, x, target, decay) for decay in (0, DECAY))
    for name, p in network.parameters.items():
        added = DECAY * p if name.endswith(".weight") else np.zeros_like(p)
        np.testing.assert_allclose(
            decayed.gradients[name] - plain.gradients[name], added, atol=1e-14
        )


def test_gradient_with_decay_is_that_of_central_differences() -> None:
    network, loss = toy_network(dtype="float64", activation="tanh"), SoftmaxCrossEntropy()
    x, target = data().x_train, data().y_train
    gradients = objective(network, loss, x, target, DECAY).gradients
    for name, p in network.parameters.items():
        direction = np.random.default_rng(4).standard_normal(p.shape)
        kept, values = p.copy(), []
        for sign in (1, -1):
            p[...] = kept + sign * 1e-6 * direction
            values.append(objective(network, loss, x, target, DECAY).value)
        p[...] = kept
        slope = (values[0] - values[1]) / 2e-6
        assert slope == pytest.approx(np.vdot(gradients[name], direction), rel=1e-6)


def test_whole_network_with_loss_passes_the_gradient_check() -> None:
    network = toy_network(dtype="float64", activation="tanh")
    error = gradcheck.directional(
        network,
        data().x_train,
        rng=np.random.default_rng(0),
        loss=SoftmaxCrossEntropy(),
        target=data().y_train,
    )
    assert error < 1e-6


@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_network_is_left_unchanged(decay: float) -> None:
    network, data = toy_network(), toy_data()
    before = bits(network)
    objective(network, SoftmaxCrossEntropy(), data.x_train, data.y_train, decay)
    assert bits(network) == before


def test_gradients_have_the_dtype_of_the_parameters() -> None:
    network, data = toy_network(), toy_data()
    result = objective(network, SoftmaxCrossEntropy(), data.x_train, data.y_train, DECAY)
    assert {g.dtype for g in result.gradients.values()} == {np.dtype(np.float32)}


def test_cache_serves_the_running_statistics() -> None:
    network, data = toy_network(), toy_data()
    result = objective(network, SoftmaxCrossEntropy(), data.x_train, data.y_train)
    network.update_statistics(result.cache)
    assert network.statistics["1.n_updates"] == 1


@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_a_watched_objective_is_the_same_to_the_bit(decay: float) -> None:
    data, loss = toy_data(), SoftmaxCrossEntropy()
    alone, watched = (
        objective(toy_network(), loss, data.x_train, data.y_train, decay, watched=choice)
        for choice in (False, True)
    )
    assert watched.value == alone.value
    assert list(watched.gradients) == list(alone.gradients)
    for name, gradient in alone.gradients.items():
        np.testing.assert_array_equal(watched.gradients[name], gradient)


def test_only_a_watched_objective_keeps_what_went_through_the_layers() -> None:
    network, data, loss = toy_network(), toy_data(), SoftmaxCrossEntropy()
    alone = objective(network, loss, data.x_train, data.y_train)
    watched = objective(network, loss, data.x_train, data.y_train, watched=True)
    assert (alone.outputs, alone.upstream) == ((), ())
    shapes = [y.shape for y in watched.outputs]
    assert shapes == [dy.shape for dy in watched.upstream] == [(40, 8)] * 6 + [(40, 3)]


@pytest.mark.parametrize(
    ("network", "decay", "message"),
    [
        (3, 0.0, r"network must be a Network, got int\."),
        (toy_network(), "a", r"weight_decay must be a finite number at least 0, got 'a'\."),
        (toy_network(), -0.1, r"weight_decay must be a finite number at least 0, got -0\.1\."),
    ],
)
def test_what_is_no_network_and_no_decay_is_refused(network: Any, decay: Any, message: str) -> None:
    data = toy_data()
    with pytest.raises(ArgumentError, match=f"^{message}$"):
        objective(network, SoftmaxCrossEntropy(), data.x_train, data.y_train, decay)
