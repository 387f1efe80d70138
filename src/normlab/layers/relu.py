"""The rectified linear unit."""

from normlab.kernels import activations
from normlab.layers.activation import Activation


class ReLU(Activation):
    """Rectified linear unit: ``y = max(x, 0)``, ``dx = dy`` where y > 0, else 0.

    At 0, where it has no derivative, the gradient is 0. NaN passes through.

    References
    ----------
    Nair & Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines".

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = ReLU().forward(np.array([-1.0, 2.0]), training=True)
    >>> y
    array([0., 2.])
    """

    kernels = activations.RELU
