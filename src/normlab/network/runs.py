"""Layers that a network runs as one: each alone, but a normalization with the ReLU behind it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from normlab._typing import FloatArray, Gradients
from normlab.errors import NormlabError
from normlab.layers import BatchNorm, Layer, ReLU
from normlab.layers.activation import ActivationCache


class Run(NamedTuple):
    """One layer, or a ``BatchNorm`` and a ``ReLU``: bit for bit what the two give in turn."""

    first: int  # counted from 0
    layers: tuple[Any, ...]

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, tuple[Any, ...]]:
        """Return the output and the cache of each layer."""
        layer = self.layers[0]
        try:
            if len(self.layers) == 1:
                y, cache = layer.forward(x, training=training)
                return y, (cache,)
            y, cache = layer.forward_with_relu(x, training=training)
            return y, (cache, ActivationCache(y))
        except NormlabError as error:
            raise self._named(error, 0) from None

    def backward(self, dy: FloatArray, caches: Sequence[Any]) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients under their dotted names."""
        layer, cache = self.layers[0], caches[self.first]
        backward = layer.backward if len(self.layers) == 1 else layer.backward_with_relu
        try:
            dx, gradients = backward(dy, cache)
        except NormlabError as error:
            raise self._named(error, -1) from None
        return dx, self._dotted(gradients)

    def parameter_gradients(self, dy: FloatArray, caches: Sequence[Any]) -> Gradients:
        """Return ``backward``'s gradients alone."""
        if len(self.layers) > 1:
            return self.backward(dy, caches)[1]
        try:
            return self._dotted(self.layers[0].parameter_gradients(dy, caches[self.first]))
        except NormlabError as error:
            raise self._named(error, -1) from None

    def _named(self, error: NormlabError, place: int) -> NormlabError:
        number = range(self.first, self.first + len(self.layers))[place]
        return type(error)(f"layer {number}, {self.layers[place]!r}: {error}")

    def _dotted(self, gradients: Gradients) -> Gradients:
        return {f"{self.first}.{name}": gradient for name, gradient in gradients.items()}


def one_by_one(layers: Sequence[Layer[Any]]) -> tuple[Run, ...]:
    """Return each layer as a run of its own."""
    return tuple(Run(i, (layer,)) for i, layer in enumerate(layers))


def together(layers: Sequence[Layer[Any]]) -> tuple[Run, ...]:
    """Return the runs, with pairs of exactly these types: a subclass may do otherwise."""
    found: list[Run] = []
    for run in one_by_one(layers):
        types = [type(layer) for pair in (*found[-1:], run) for layer in pair.layers]
        if types == [BatchNorm, ReLU]:
            found[-1] = Run(run.first - 1, found[-1].layers + run.layers)
        else:
            found.append(run)
    return tuple(found)
