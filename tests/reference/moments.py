"""Twin of ``kernels.moments``: one column at a time, sums without rounding (``math.fsum``)."""

from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def centered(x: Array) -> Array:
    """Return x - mean. The first mean is rounded, at 1e15 to whole numbers; so center again."""
    columns = [_less_mean(_less_mean(column)) for column in _columns(x)]
    return np.array(columns).T


def mean(x: Array) -> Array:
    means = [fsum(column) / len(x) for column in _columns(x)]
    rests = [fsum(_less_mean(column)) / len(x) for column in _columns(x)]
    return np.add(means, rests)


def sum_of_squares(x: Array) -> Array:
    """Return sum((x - mean)^2) of each column."""
    return np.array([fsum(d**2 for d in column) for column in _columns(centered(x))])


def var(x: Array, ddof: int = 0) -> Array:
    return sum_of_squares(x) / (len(x) - ddof)


def _columns(x: Array) -> list[list[float]]:
    columns: list[list[float]] = x.astype(np.float64).T.tolist()
    return columns


def _less_mean(column: list[float]) -> list[float]:
    center = fsum(column) / len(column)
    return [value - center for value in column]
