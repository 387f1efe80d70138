"""What the element-wise activations share."""

from abc import abstractmethod
from typing import NamedTuple

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.layers.base import Layer


class ActivationCache(NamedTuple):
    """What ``Activation.backward`` needs."""

    y: FloatArray  # the output


class Activation(Layer[ActivationCache]):
    """An element-wise function whose derivative follows from its output.

    Input and output have any shape, and are the same in training and evaluation. A subclass
    names its two kernels.
    """

    @staticmethod
    @abstractmethod
    def function(x: FloatArray) -> FloatArray:
        """Return y."""

    @staticmethod
    @abstractmethod
    def gradient(dy: FloatArray, y: FloatArray) -> FloatArray:
        """Return dx."""

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, ActivationCache]:
        """Return y, element by element."""
        y = self.function(_checks.float_array("x", x))
        return y, ActivationCache(y)

    def backward(self, dy: FloatArray, cache: ActivationCache) -> tuple[FloatArray, Gradients]:
        """Return dx, element by element."""
        dy = _checks.upstream(dy, cache.y.shape, cache.y.dtype)
        return self.gradient(dy, cache.y), {}
