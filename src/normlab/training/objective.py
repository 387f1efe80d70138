"""What training minimizes: the loss of a batch, plus L2 weight decay."""

from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.network.network import Network, NetworkCache
from normlab.training.losses import Loss


class Objective(NamedTuple):
    """One evaluation of the objective and its gradient."""

    value: float
    gradients: Gradients
    cache: NetworkCache  # for network.update_statistics
    outputs: tuple[FloatArray, ...] = ()  # of each layer, where watched
    upstream: tuple[FloatArray, ...] = ()  # the loss's gradient of each of them


def objective(
    network: Network,
    loss: Loss,
    x: FloatArray,
    target: Any,
    weight_decay: float = 0.0,
    *,
    watched: bool = False,
) -> Objective:
    """Return the objective of a batch in training mode, and its gradient.

    ::

        value = loss(network(x), target) + weight_decay / 2 sum(weight^2)

    The sum is over parameters named ``weight``: biases, gamma and beta do not decay. The network
    is left unchanged. With ``watched``, the same bits come with what went through the layers.

    Raises
    ------
    ArgumentError, ShapeError
        For what is no network, rows or targets that do not fit it, and a ``weight_decay`` below 0.
    BatchSizeError
        For one row where there is batch normalization.
    """
    _checks.instance("network", network, Network)
    weight_decay = _checks.real("weight_decay", weight_decay, at_least=0)
    run = _watched if watched else _unwatched
    with np.errstate(all="ignore"):  # overflow is a result, and seen in the value
        result = run(network, loss, x, target)
        return result if weight_decay == 0 else _decayed(result, network, weight_decay)


def _unwatched(network: Network, loss: Loss, x: FloatArray, target: Any) -> Objective:
    y, cache = network.forward(x, training=True)
    value, dy = loss(y, target)
    return Objective(value, network.parameter_gradients(dy, cache), cache)


def _watched(network: Network, loss: Loss, x: FloatArray, target: Any) -> Objective:
    outputs, cache = network.forward_all(x, training=True)
    value, dy = loss(outputs[-1], target)
    upstream, gradients = network.backward_all(dy, cache)
    return Objective(value, gradients, cache, outputs, upstream)


def _decayed(result: Objective, network: Network, weight_decay: float) -> Objective:
    value, gradients = result.value, dict(result.gradients)
    for name, p in network.parameters.items():
        if name.endswith(".weight"):
            value += 0.5 * weight_decay * float(np.vdot(p, p))
            gradients[name] = gradients[name] + p.dtype.type(weight_decay) * p
    return result._replace(value=value, gradients=gradients)
