"""What the element-wise activations share."""

from typing import ClassVar, NamedTuple

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.kernels import activations
from normlab.layers.base import Layer


class ActivationCache(NamedTuple):
    """What ``Activation.backward`` needs."""

    y: FloatArray  # the output


class Activation(Layer[ActivationCache]):
    """An element-wise function whose derivative follows from its output.

    Input and output have any shape, and are the same in training and evaluation. A subclass
    names its kernels.
    """

    kernels: ClassVar[activations.Kernels]

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, ActivationCache]:
        """Return y, element by element."""
        y = activations.forward(self.kernels, _checks.float_array("x", x))
        return y, ActivationCache(y)

    def backward(self, dy: FloatArray, cache: ActivationCache) -> tuple[FloatArray, Gradients]:
        """Return dx, element by element."""
        dy = _checks.upstream(dy, cache.y.shape, cache.y.dtype)
        return activations.backward(self.kernels, dy, cache.y), {}
