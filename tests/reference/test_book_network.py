"""normlab's network with the ``book`` convention is the published network, step by step."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from normlab.layers import BatchNorm, Dense, Layer, ReLU
from normlab.network import Network
from normlab.training import SGD, SoftmaxCrossEntropy
from normlab.training.objective import objective
from reference.book_network import BookNetwork

SIZES, STEPS, LEARNING_RATE = (6, 9, 7, 4), 30, 0.2

both_networks = pytest.mark.parametrize("normalized", [True, False])


def twin_of(book: BookNetwork) -> Network:
    layers: list[Layer[Any]] = []
    for n_inputs, n_outputs in pairwise(SIZES):
        layers.append(Dense(n_inputs, n_outputs, weight_init=0, dtype="float64"))
        if book.normalized:
            layers.append(BatchNorm(n_outputs, convention="book", dtype="float64"))
        layers.append(ReLU())
    network = Network(layers[: -2 if book.normalized else -1])
    for name, values in book.parameters.items():
        network.parameters[name][...] = values
    return network


def differences(normalized: bool) -> dict[str, list[float]]:
    """Train both side by side; return the largest difference of each quantity at each step."""
    rng = np.random.default_rng(5)
    book = BookNetwork(SIZES, normalized=normalized, seed=1)
    network, optimizer, loss = twin_of(book), SGD(LEARNING_RATE), SoftmaxCrossEntropy()
    assert network.parameters.keys() == book.parameters.keys()
    found: dict[str, list[float]] = {}
    for _ in range(STEPS):
        x, labels = rng.standard_normal((20, SIZES[0])), rng.integers(SIZES[-1], size=20)
        result = objective(network, loss, x, labels)
        optimizer.step(network.parameters, result.gradients)
        network.update_statistics(result.cache)
        pairs: dict[str, tuple[Any, Any]] = {
            "loss": (result.value, book.train_step(x, labels, LEARNING_RATE))
        }
        pairs |= {n: (network.parameters[n], book.parameters[n]) for n in book.parameters}
        pairs |= {n: (network.statistics[n], book.running[n]) for n in book.running}
        unseen = rng.standard_normal((5, SIZES[0]))
        pairs["evaluation"] = network.forward(unseen, training=False)[0], book.predict(unseen)
        for name, (ours, theirs) in pairs.items():
            found.setdefault(name, []).append(float(np.abs(ours - theirs).max()))
    return found


@both_networks
def test_thirty_steps_agree_with_the_published_network_to_1e_10(normalized: bool) -> None:
    for name, errors in differences(normalized).items():
        assert len(errors) == STEPS
        assert max(errors) < 1e-10, name


@both_networks
def test_the_published_network_learns(normalized: bool) -> None:
    """Thirty equal steps say little if nothing moves: the loss falls by a tenth at least."""
    rng = np.random.default_rng(2)
    x, labels = rng.standard_normal((20, SIZES[0])), rng.integers(SIZES[-1], size=20)
    book = BookNetwork(SIZES, normalized=normalized, seed=1)
    losses = [book.train_step(x, labels, LEARNING_RATE) for _ in range(STEPS)]
    assert losses[-1] < 0.9 * losses[0]


@both_networks
def test_the_published_network_has_the_gradient_of_its_loss(normalized: bool) -> None:
    rng = np.random.default_rng(3)
    x, labels = rng.standard_normal((8, SIZES[0])), rng.integers(SIZES[-1], size=8)
    book = BookNetwork(SIZES, normalized=normalized, seed=1)
    _, gradients = book.loss_and_gradients(x, labels)
    for name, gradient in gradients.items():
        p, v = book.parameters[name], rng.standard_normal(gradient.shape)
        losses = []
        for step in (1e-6, -1e-6):
            book.parameters[name] = p + step * v
            losses.append(book.loss_and_gradients(x, labels)[0])
        book.parameters[name] = p
        slope = (losses[0] - losses[1]) / 2e-6
        assert slope == pytest.approx(np.vdot(gradient, v), rel=1e-6, abs=1e-9), name
