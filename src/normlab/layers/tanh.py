"""The hyperbolic tangent."""

from normlab.kernels import activations
from normlab.layers.activation import Activation


class Tanh(Activation):
    """Hyperbolic tangent: ``y = tanh(x)``, ``dx = dy (1 - y^2)``.

    NaN passes through.

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = Tanh().forward(np.array([0.0, -1000.0]), training=True)
    >>> y
    array([ 0., -1.])
    """

    kernels = activations.TANH
