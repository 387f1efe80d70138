"""The convolutional network of TensorFlow's tutorial in normlab, and what its trainers share.

Two convolutions of 32 and 64 maps, a dense layer of 1,024 units, dropout of one half; batches of 50
MNIST images; Adam at 1e-4. A trainer holds a network and its optimizer: ``step`` trains on the next
batch and returns its loss, ``evaluate`` returns the accuracy on the first test images.
"""

from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from normlab.data import Dataset, batches, load_mnist
from normlab.kernels.threads import threads
from normlab.network import CNNSpec, build_cnn
from normlab.training import Adam, SoftmaxCrossEntropy, evaluate
from normlab.training.objective import objective

BATCH = 50
N_BATCHES = 20
LEARNING_RATE = 1e-4

PRODUCTS = (
    (28 * 28, 5 * 5, 32),
    (14 * 14, 5 * 5 * 32, 64),
    (1, 7 * 7 * 64, 1024),
    (1, 1024, 10),
)
"""Of each layer: rows an image, inputs and outputs of its matrix product."""


class Trainer(Protocol):
    """One contender's network, in training."""

    rows: Iterator[NDArray[np.integer[Any]]]  # of the batches to come

    def step(self) -> float: ...

    def evaluate(self, n_images: int) -> float: ...


def spec(normalized: bool, dropout: float) -> CNNSpec:
    """Return the tutorial's network, as it is or with batch normalization."""
    return CNNSpec(
        normalization="batch" if normalized else "none",
        dropout=dropout,
        weight_init=0.1,
        truncated=True,
        bias_init=0.1,
    )


def operations(n_images: int, *, training: bool) -> float:
    """Return those of the matrix products: one a layer, in training three, but two of the first."""
    first, *others = (
        2.0 * n_images * rows * inputs * outputs for rows, inputs, outputs in PRODUCTS
    )
    return 2 * first + 3 * sum(others) if training else first + sum(others)


@cache
def images() -> Dataset:
    """Return the training images of all batches, and all 10,000 test images."""
    return load_mnist(flatten=False, n_train=N_BATCHES * BATCH)


def numbers() -> Iterator[NDArray[np.integer[Any]]]:
    """Return the row numbers of the batches, over and over."""
    draws = batches(N_BATCHES * BATCH, BATCH, replacement=False, rng=np.random.default_rng(1))
    return cycle([next(draws) for _ in range(N_BATCHES)])


class NormlabTrainer:
    """What ``normlab.train`` does in a step."""

    def __init__(self, network_spec: CNNSpec) -> None:
        self.network = build_cnn(network_spec, rng=np.random.default_rng(0))
        self.parameters = self.network.parameters
        self.optimizer, self.loss = Adam(LEARNING_RATE), SoftmaxCrossEntropy()
        self.rows = numbers()

    @threads()  # as ``train``: the kernels' threads, and none of BLAS's own
    def step(self) -> float:
        rows = next(self.rows)
        x, target = images().x_train[rows], images().y_train[rows]
        result = objective(self.network, self.loss, x, target)
        self.optimizer.step(self.parameters, result.gradients)
        self.network.update_statistics(result.cache)
        return result.value

    def evaluate(self, n_images: int) -> float:
        x, y = images().x_test[:n_images], images().y_test[:n_images]
        return evaluate(self.network, self.loss, x, y).accuracy


def make(name: str, network_spec: CNNSpec) -> Trainer:
    """Return the trainer of a contender; PyTorch is loaded for its own."""
    if name == "normlab":
        return NormlabTrainer(network_spec)
    from bench import torch_cnn

    return torch_cnn.TorchTrainer(network_spec, torch_cnn.LAYOUTS[name])
