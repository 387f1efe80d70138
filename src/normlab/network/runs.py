"""Layers that a network runs as one: each alone, but a normalization with what is behind it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from normlab._typing import FloatArray, Gradients
from normlab.errors import NormlabError
from normlab.layers import BatchNorm, Layer, MaxPool2D, ReLU
from normlab.layers.batch_norm import BatchNormCache

TOGETHER = [[BatchNorm, ReLU], [BatchNorm, ReLU, MaxPool2D]]
"""Exactly these types: a subclass may do otherwise."""


class RectifiedCache(NamedTuple):
    """A ReLU's ``ActivationCache`` behind a normalization: y is not kept, but computed again."""

    normalization: BatchNormCache

    @property
    def y(self) -> FloatArray:
        """The output."""
        return self.normalization.normalized(relu=True)


class Run(NamedTuple):
    """One layer, or those of ``TOGETHER``: bit for bit what they give in turn."""

    first: int  # counted from 0
    layers: tuple[Any, ...]

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, tuple[Any, ...]]:
        """Return the output and the cache of each layer."""
        layer, *behind = self.layers
        place = 0
        try:
            if not behind:
                y, cache = layer.forward(x, training=training)
                return y, (cache,)
            cache = layer.cache_of(x, training=training)
            caches = cache, RectifiedCache(cache)
            if len(behind) == 1:
                return cache.normalized(relu=True), caches
            place = 2
            y, pooling = behind[1].forward_of_rectified(cache)
            return y, (*caches, pooling)
        except NormlabError as error:
            raise self._named(error, place) from None

    def backward(self, dy: FloatArray, caches: Sequence[Any]) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients under their dotted names."""
        layer, *behind = self.layers
        try:
            if len(behind) == 2:
                dy, _ = behind[1].backward(dy, caches[self.first + 2])
            backward = layer.backward_with_relu if behind else layer.backward
            dx, gradients = backward(dy, caches[self.first])
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
    """Return the runs, as long as they can be."""
    found: list[Run] = []
    for run in one_by_one(layers):
        joined = tuple(layer for part in (*found[-1:], run) for layer in part.layers)
        if [type(layer) for layer in joined] in TOGETHER:
            found[-1] = Run(found[-1].first, joined)
        else:
            found.append(run)
    return tuple(found)
