"""How good a network is on data."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Target
from normlab.data.pixels import Pixels
from normlab.errors import ShapeError
from normlab.kernels import losses
from normlab.kernels.threads import threads
from normlab.network.network import Network
from normlab.training.losses import (
    Loss,
    SoftmaxCrossEntropy,
    as_target,
    require_class_indices,
    require_rows,
)

EVALUATION_ROWS = 500
"""Rows a forward pass, at most: enough for full speed, few enough to stay near the cache."""

EVALUATION_ELEMENTS = 2**21
"""Elements of a layer's output, at most. On the network of 32 and 64 maps, half as many cost 8%
more time, twice as many save 3%."""


class Evaluation(NamedTuple):
    """Loss and accuracy of a network on data, in evaluation mode."""

    loss: float
    accuracy: float


def accuracy(y: FloatArray, target: Target) -> float:
    """Return the share of rows whose largest output is at the target class.

    ``y`` is ``(n, n_classes)``; ``target`` class indices ``(n,)`` or one-hot ``(n, n_classes)``.
    A row with NaN or infinity in it is no prediction and counts as wrong. (``argmax`` alone would
    call NaN class 0, and a network that has overflowed right about every zero.)

    Raises
    ------
    ArgumentError, ShapeError
        For ``y`` that is no float array ``(n, n_classes)``, both at least 1, and for a target that
        does not fit it.
    """
    return n_correct(y, target) / len(y)


def n_correct(y: FloatArray, target: Target) -> int:
    """Return the number of rows that ``accuracy`` counts as right."""
    require_rows(y)
    target = as_target(target)
    if target.ndim == 2:
        _checks.same_shape("target", target.shape, y.shape)
        target = target.argmax(axis=1)
    require_class_indices(target, *y.shape)
    return int(losses.n_correct(y, target))


def evaluation_rows(network: Network, row_shape: tuple[int, ...]) -> int:
    """Return how many rows ``evaluate`` takes at once, of which one has this shape."""
    largest = 1
    try:
        for layer in network.layers:
            row_shape = layer.output_shape(row_shape)
            largest = max(largest, prod(row_shape))
    except ShapeError:
        return EVALUATION_ROWS  # forward says what is wrong, and of which layer
    return max(1, min(EVALUATION_ROWS, EVALUATION_ELEMENTS // largest))


class Evaluator:
    """Measures a network on the same rows as often as it is called, in blocks of rows.

    ``x``, at least one row, is cast to the dtype of the network.
    """

    def __init__(self, network: Network, loss: Loss, x: Any, target: Any) -> None:
        _checks.instance("network", network, Network)
        if not isinstance(x, Pixels):
            _checks.instance("x", x, np.ndarray)
        _checks.require(x.ndim > 0 and len(x) > 0, "x", "have at least one row", x.shape)
        made = callable(loss) and not isinstance(loss, type)
        _checks.require(made, "loss", "be a loss such as SoftmaxCrossEntropy()", loss)
        self.network, self.loss, self.x, self.target = network, loss, x, as_target(target)
        if self.target.shape[:1] != (len(x),):
            raise ShapeError(f"target must have {len(x)} rows, as x, got {self.target.shape}.")
        self.n_rows = evaluation_rows(network, x.shape[1:])
        is_usual = type(loss) is SoftmaxCrossEntropy
        self.at_once = network.at_once(x, self.target) if is_usual else None

    def __call__(self) -> Evaluation:
        """Return mean loss and accuracy over all rows, in evaluation mode."""
        if self.at_once is not None and self.at_once.chain.can_predict():
            total, right = self.at_once.measure(self.n_rows)
        else:
            total, right = self._in_turn()
        return Evaluation(total / len(self.x), right / len(self.x))

    def _in_turn(self) -> tuple[float, int]:
        total, right, dtype = 0.0, 0, self.network.dtype
        for start in range(0, len(self.x), self.n_rows):
            rows = slice(start, start + self.n_rows)
            x, target = self.x[rows].astype(dtype, copy=False), self.target[rows]
            with np.errstate(all="ignore"):  # overflow is a result, and seen in the loss
                y = self.network.predict(x)
                total += self.loss(y, target)[0] * len(y)
            right += n_correct(y, target)
        return total, right


@threads()
def evaluate(network: Network, loss: Loss, x: Any, target: Any) -> Evaluation:
    """Return mean loss and accuracy over all rows, in evaluation mode and in blocks of rows.

    ``x``, at least one row, is cast to the dtype of the network. The network is left unchanged.

    Raises
    ------
    ArgumentError, ShapeError
        For no rows, what is no loss, and for rows or targets that do not fit the network.
    StatisticsError
        Where running statistics were neither updated nor set.
    """
    return Evaluator(network, loss, x, target)()
