"""Twin of ``kernels.losses``: row by row, with ``math``."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softmax_row(row: list[float]) -> list[float]:
    highest = max(row)
    powers = [math.exp(value - highest) for value in row]
    return [power / math.fsum(powers) for power in powers]


def softmax_cross_entropy(y: Array, target: Array) -> tuple[float, Array]:
    """Return value and dy; ``target`` holds one row of probabilities for each row of ``y``."""
    value, dy = 0.0, np.empty(y.shape)
    for i, (row, wanted) in enumerate(zip(y.tolist(), target.tolist(), strict=True)):
        log_sum = max(row) + math.log(math.fsum(math.exp(v - max(row)) for v in row))
        value -= math.fsum(t * (v - log_sum) for t, v in zip(wanted, row, strict=True)) / len(y)
        for j, p in enumerate(softmax_row(row)):
            dy[i, j] = (p * math.fsum(wanted) - wanted[j]) / len(y)
    return value, dy


def squared_error(y: Array, target: Array) -> tuple[float, Array]:
    value, dy = 0.0, np.empty(y.shape)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            difference = float(y[i, j]) - float(target[i, j])
            value += difference**2 / 2 / len(y)
            dy[i, j] = difference / len(y)
    return value, dy
