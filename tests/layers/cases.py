"""Every layer, in several configurations: the one table that the laws are run over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.layers import BatchNorm, Dense, Dropout, Flatten, Layer, ReLU, Sigmoid, Tanh

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A layer, how to make it in a dtype, and the shape of a batch for it.

    ``wrong_shape`` is one it must refuse, None where it takes any.
    """

    name: str
    make: Callable[[str], Layer[Any]]
    shape: tuple[int, ...]
    wrong_shape: tuple[int, ...] | None = None

    def layer(self, dtype: str = "float64") -> Layer[Any]:
        """Return the layer with parameters and statistics away from their defaults."""
        layer, rng = self.make(dtype), np.random.default_rng(3)
        for name, array in layer.parameters.items():
            offset = 1.5 if name == "gamma" else 0.0
            array[...] = offset + 0.5 * rng.standard_normal(array.shape)
        _, cache = layer.forward(2 * self.batch(7, "float64") - 1, training=True)
        layer.update_statistics(cache)
        return layer

    def batch(self, seed: int, dtype: str = "float64") -> Array:
        return np.random.default_rng(seed).standard_normal(self.shape).astype(dtype)

    def upstream(self, seed: int, dtype: str = "float64") -> Array:
        """Return a random gradient of the layer's output."""
        n, *row = self.shape
        shape = (n, *self.make(dtype).output_shape(tuple(row)))
        return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def batch_norm(name: str, shape: tuple[int, ...], **options: Any) -> Case:
    n_features = shape[options.get("axis", -1)]
    wrong = list(shape)
    wrong[options.get("axis", -1)] += 1
    return Case(
        f"BatchNorm {name}",
        lambda dtype: BatchNorm(n_features, dtype=dtype, **options),
        shape,
        tuple(wrong),
    )


def dense(name: str, **options: Any) -> Case:
    return Case(
        f"Dense {name}",
        lambda dtype: Dense(4, 3, rng=np.random.default_rng(0), dtype=dtype, **options),
        (5, 4),
        (5, 3),
    )


def dropout(rate: float, shape: tuple[int, ...]) -> Case:
    def make(dtype: str) -> Dropout:
        return Dropout(rate, rng=np.random.default_rng(0))

    return Case(f"Dropout {rate:g} {len(shape)}-D", make, shape)


CASES = [
    batch_norm("rows", (6, 3)),
    batch_norm("one feature", (5, 1)),
    batch_norm("images", (4, 2, 3, 2)),
    batch_norm("axis 1 of rows", (5, 3), axis=1),
    batch_norm("axis 1 of images", (4, 3, 2, 2), axis=1),
    batch_norm("axis 0", (3, 5), axis=0),
    batch_norm("axis -2", (4, 3, 2), axis=-2),
    batch_norm("without scale", (6, 3), scale=False),
    batch_norm("without shift", (6, 3), shift=False),
    batch_norm("without scale and shift", (4, 2, 3), scale=False, shift=False),
    batch_norm("pytorch", (6, 3), convention="pytorch"),
    batch_norm("keras", (6, 3), convention="keras"),
    batch_norm("onnx", (6, 3), convention="onnx"),
    batch_norm("book", (6, 3), convention="book"),
    batch_norm("cumulative average", (6, 3), decay=None),
    batch_norm("large eps", (6, 3), eps=0.5),
    dense("with bias"),
    dense("without bias", bias=False),
    dense("by number", weight_init=0.1),
    Case("ReLU rows", lambda dtype: ReLU(), (5, 4)),
    Case("ReLU images", lambda dtype: ReLU(), (4, 2, 3, 2)),
    Case("Sigmoid rows", lambda dtype: Sigmoid(), (5, 4)),
    Case("Sigmoid images", lambda dtype: Sigmoid(), (4, 2, 3, 2)),
    Case("Tanh rows", lambda dtype: Tanh(), (5, 4)),
    Case("Tanh images", lambda dtype: Tanh(), (4, 2, 3, 2)),
    dropout(0.5, (6, 4)),
    dropout(0.2, (4, 2, 3, 2)),
    dropout(0.0, (6, 4)),
    Case("Flatten images", lambda dtype: Flatten(), (4, 2, 3, 2), ()),
    Case("Flatten rows", lambda dtype: Flatten(), (4, 3), ()),
]
