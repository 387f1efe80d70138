"""From MNIST to a History, as the laboratory does it."""

from typing import Any

import numpy as np
import pytest

from normlab.data import Dataset, load_mnist
from normlab.network import MLPSpec, build_mlp
from normlab.training import History, Recording, TrainingConfig, train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load_mnist(n_train=1000)


def published(data: Dataset, normalization: Any, weight_scale: float) -> History:
    spec = MLPSpec(
        sizes=(784, 100, 100, 100, 100, 100, 10),
        normalization=normalization,
        convention="book",
        weight_init=weight_scale,
    )
    recording = Recording(first_step=1, test="last")
    config = TrainingConfig(steps=191, replacement=True, recording=recording)
    network = build_mlp(spec, rng=np.random.default_rng(0))
    return train(network, data, config, rng=np.random.default_rng(1))


def test_with_normalization_small_weights_learn_all_training_images(mnist: Dataset) -> None:
    history = published(mnist, "batch", 0.01)
    assert len(history) == 20
    assert history.train_accuracy[-1] > 0.95
    assert history.test_accuracy[-1] > 0.7


def test_without_normalization_small_weights_learn_nothing(mnist: Dataset) -> None:
    history = published(mnist, "none", 0.01)
    assert history.diverged_at_step is None
    assert history.train_accuracy[-1] < 0.2


def test_without_normalization_well_chosen_weights_learn(mnist: Dataset) -> None:
    assert published(mnist, "none", 10 ** (-12 / 15)).train_accuracy[-1] > 0.75


def test_without_normalization_large_weights_diverge(mnist: Dataset) -> None:
    assert published(mnist, "none", 1.0).diverged_at_step is not None
