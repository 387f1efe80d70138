"""What training minimizes: the loss of a batch, plus L2 weight decay."""

from typing import Any, NamedTuple

import numpy as np

from normlab._typing import FloatArray, Gradients
from normlab.network.network import Network, NetworkCache
from normlab.training.losses import Loss


class Objective(NamedTuple):
    """One evaluation of the objective and its gradient."""

    value: float
    gradients: Gradients
    cache: NetworkCache  # for network.update_statistics


def objective(
    network: Network, loss: Loss, x: FloatArray, target: Any, weight_decay: float = 0.0
) -> Objective:
    """Return the objective of a batch in training mode, and its gradient.

    ::

        value = loss(network(x), target) + weight_decay / 2 sum(weight^2)

    The sum is over parameters named ``weight``: biases, gamma and beta do not decay. The network
    is left unchanged.
    """
    with np.errstate(all="ignore"):  # overflow is a result, and seen in the value
        y, cache = network.forward(x, training=True)
        value, dy = loss(y, target)
        gradients = network.parameter_gradients(dy, cache)
        if weight_decay != 0:
            for name, p in network.parameters.items():
                if name.endswith(".weight"):
                    value += 0.5 * weight_decay * float(np.vdot(p, p))
                    gradients[name] = gradients[name] + p.dtype.type(weight_decay) * p
    return Objective(value, gradients, cache)
