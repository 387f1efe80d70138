"""The logistic sigmoid."""

from normlab.kernels import activations
from normlab.layers.activation import Activation


class Sigmoid(Activation):
    """Logistic sigmoid: ``y = 1 / (1 + exp(-x))``, ``dx = dy y (1 - y)``.

    No input overflows. NaN passes through.

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = Sigmoid().forward(np.array([0.0, -1000.0]), training=True)
    >>> y
    array([0.5, 0. ])
    """

    kernels = activations.SIGMOID
