"""One training step as probes see it, and what they make of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from normlab._typing import FloatArray, Gradients, Parameters
from normlab.layers import BatchNorm, Layer
from normlab.layers.activation import Activation
from normlab.training.probes.settings import Probes


class LayerPass(NamedTuple):
    """One layer's part of the forward and the backward pass; features are the last axis."""

    label: str  # class and place among its like, "ReLU 2"
    layer: Layer[Any]
    x: FloatArray  # the input
    y: FloatArray  # the output
    dy: FloatArray  # the gradient of the output
    cache: Any


class Observation(NamedTuple):
    """One step, between that of the optimizer and the update of the running statistics."""

    layers: tuple[LayerPass, ...]
    parameters: Parameters  # after the step
    before: Parameters  # copies, of before the step
    gradients: Gradients  # of the parameters before the step
    n_rows: int  # of the batch
    rng: np.random.Generator  # for probes that draw

    @property
    def activations(self) -> list[LayerPass]:
        """The activation layers: those that work element by element."""
        return [seen for seen in self.layers if isinstance(seen.layer, Activation)]

    @property
    def norms(self) -> list[LayerPass]:
        """The BatchNorm layers."""
        return [seen for seen in self.layers if isinstance(seen.layer, BatchNorm)]


class Reading(NamedTuple):
    """The values of one series at one step; see ``Series`` for axes and labels."""

    axes: tuple[str, ...]
    labels: tuple[tuple[str | float, ...], ...]
    values: FloatArray  # (*map(len, labels)) float64


Probe: TypeAlias = Callable[[Observation, Probes], dict[str, Reading]]
"""A probe: what it makes of a step, by the names of its series."""


def labels_of(layers: Iterable[Layer[Any]]) -> list[str]:
    """Return each layer's class and place among its like: "Dense 1", "ReLU 1", "Dense 2"."""
    seen: Counter[str] = Counter()
    labels = []
    for layer in layers:
        name = type(layer).__name__
        seen[name] += 1
        labels.append(f"{name} {seen[name]}")
    return labels


def by_layer(
    layers: Sequence[LayerPass],
    measure: Callable[[LayerPass], ArrayLike],
    **axes: Sequence[str | float],
) -> Reading:
    """Return what ``measure`` gives for each layer; ``axes`` names its axes, with their labels."""
    labels = (tuple(seen.label for seen in layers), *map(tuple, axes.values()))
    values = np.array([measure(seen) for seen in layers], dtype=float)
    return Reading(("layer", *axes), labels, values.reshape([len(along) for along in labels]))


def by_parameter(names: Iterable[str], measure: Callable[[str], float]) -> Reading:
    """Return what ``measure`` gives for each parameter's name."""
    labels = tuple(names)
    return Reading(("parameter",), (labels,), np.array([measure(name) for name in labels], float))
