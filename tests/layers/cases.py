"""Every layer, in several configurations: the one table that the laws are run over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)

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


def conv(name: str, image: tuple[int, int], kernel_size: Any, **options: Any) -> Case:
    return Case(
        f"Conv2D {name}",
        lambda dtype: Conv2D(
            2, 3, kernel_size, rng=np.random.default_rng(0), dtype=dtype, **options
        ),
        (3, *image, 2),
        (3, *image, 3),
    )


def dropout(rate: float, shape: tuple[int, ...]) -> Case:
    def make(dtype: str) -> Dropout:
        return Dropout(rate, rng=np.random.default_rng(0))

    return Case(f"Dropout {rate:g} {len(shape)}-D", make, shape)


POOLS: dict[str, tuple[int | tuple[int, int], tuple[int, ...], dict[str, Any]]] = {
    "edge to edge": (2, (3, 4, 4, 2), {}),
    "with a rest": (2, (2, 5, 3, 3), {}),
    "overlapping": (3, (2, 6, 5, 2), {"stride": 1}),
    "with gaps": (2, (2, 7, 8, 2), {"stride": (3, 4)}),
    "same": (2, (2, 5, 4, 2), {"padding": "same"}),
    "same, overlapping": (3, (2, 4, 5, 1), {"stride": 2, "padding": "same"}),
    "padded": ((3, 2), (2, 5, 4, 2), {"stride": (2, 1), "padding": 1}),
    "of one cell": (1, (2, 3, 2, 2), {}),
    "of whole images": ((4, 3), (3, 4, 3, 2), {}),
}


def pools(make: type[MaxPool2D] | type[AveragePool2D]) -> list[Case]:
    def case(name: str, size: Any, shape: tuple[int, ...], options: dict[str, Any]) -> Case:
        return Case(f"{make.__name__} {name}", lambda _: make(size, **options), shape, shape[:3])

    return [case(name, *pool) for name, pool in POOLS.items()]


CASES = [
    batch_norm("rows", (6, 3)),
    batch_norm("one feature", (5, 1)),
    batch_norm("images", (4, 2, 3, 2)),
    batch_norm("axis 1 of rows", (5, 3), axis=1),
    batch_norm("axis 1 of images", (4, 3, 2, 2), axis=1),
    batch_norm("axis 1 of images of one pixel", (5, 3, 1, 1), axis=1),
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
    conv("with padding", (4, 5), 3),
    conv("without bias", (4, 3), 3, bias=False),
    conv("inside only", (5, 4), 3, padding="valid"),
    conv("with a stride", (5, 6), 3, stride=2),
    conv("with an even window", (4, 5), 2),
    conv("with gaps", (7, 8), 2, stride=(3, 4), padding="valid"),
    conv("with much padding", (3, 2), (2, 3), padding=3),
    conv("with windows as large as images", (3, 4), (3, 4), padding="valid"),
    conv("with windows larger than images", (2, 3), 5),
    conv("with one place a window", (3, 3), 1, stride=2),
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
    *pools(MaxPool2D),
    *pools(AveragePool2D),
    Case("GlobalAveragePool images", lambda dtype: GlobalAveragePool(), (4, 2, 3, 2), (5,)),
    Case("GlobalAveragePool rows", lambda dtype: GlobalAveragePool(), (4, 3), (5,)),
    Case("GlobalAveragePool sequences", lambda dtype: GlobalAveragePool(), (2, 5, 3), (2, 0, 3)),
]
