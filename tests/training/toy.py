"""Small data sets and networks for the tests of training."""

from typing import Any

import numpy as np

from normlab.data import Dataset
from normlab.network import MLPSpec, Network, build_mlp
from normlab.training import History, TrainingConfig, train


def toy_data(n_train: int = 40, n_test: int = 20, dtype: Any = np.float32) -> Dataset:
    """Three classes around three centers of four features, in this order over and over."""
    rng = np.random.default_rng(5)
    centers = 2 * rng.standard_normal((3, 4))
    y = np.arange(n_train + n_test) % 3
    x = (centers[y] + rng.standard_normal((len(y), 4))).astype(dtype)
    return Dataset(x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def toy_network(seed: int = 0, **options: Any) -> Network:
    """4 - 8 - 8 - 3 with batch normalization, unless ``options`` say otherwise."""
    spec: dict[str, Any] = {"sizes": (4, 8, 8, 3), "normalization": "batch"} | options
    return build_mlp(MLPSpec(**spec), rng=np.random.default_rng(seed))


def short(**options: Any) -> TrainingConfig:
    """Twelve steps of ten rows, unless ``options`` say otherwise."""
    duration = {} if "epochs" in options else {"steps": 12}
    values: dict[str, Any] = duration | {"batch_size": 10, "learning_rate": 0.1} | options
    return TrainingConfig(**values)


def bits(network: Network) -> dict[str, bytes]:
    """Everything that training changes, to the bit."""
    return {
        name: array.tobytes() for name, array in (network.parameters | network.statistics).items()
    }


def fit(network: Network, data: Dataset | None = None, seed: int = 1, **options: Any) -> History:
    """Train with ``short(**options)``."""
    data = toy_data() if data is None else data
    return train(network, data, short(**options), rng=np.random.default_rng(seed))


def exploding(steps: int = 12, **options: Any) -> dict[str, Any]:
    """A learning rate at which half the squared error grows until it overflows."""
    return {"steps": steps, "learning_rate": 1e8, "loss": "squared_error"} | options


def one_hot_data() -> Dataset:
    """The toy data with rows of 0 and 1 as targets, for the squared error."""
    data, rows = toy_data(), np.eye(3, dtype=np.float32)
    return Dataset(data.x_train, rows[data.y_train], data.x_test, rows[data.y_test])


def plain() -> Network:
    """The toy network without normalization."""
    return toy_network(normalization="none")
