"""Twin of ``kernels.pooling``: each window is cut out of its image, a cell at a time."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]
Cell = tuple[int, int]
Geometry = tuple[Pair, Pair, Pair, Pair]
"""(size, stride, padding above and left, number of windows), each down and across."""


def windows(image: Pair, geometry: Geometry) -> Iterator[tuple[Cell, list[Cell]]]:
    """Yield the place of each window in the output and its cells in the image, row by row."""
    size, stride, before, output = geometry
    for p in range(output[0]):
        for q in range(output[1]):
            cells = [
                (p * stride[0] - before[0] + u, q * stride[1] - before[1] + v)
                for u in range(size[0])
                for v in range(size[1])
            ]
            inside = [(r, s) for r, s in cells if 0 <= r < image[0] and 0 <= s < image[1]]
            yield (p, q), inside


def winner(values: list[float]) -> int:
    """Return where the first of the greatest is, or the last NaN."""
    nans = [k for k, value in enumerate(values) if math.isnan(value)]
    return nans[-1] if nans else values.index(max(values))


def maximum(x: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
    """Return y and dx."""
    y, dx = np.full(dy.shape, np.nan), np.zeros(x.shape)
    for i in range(len(x)):
        for place, cells in windows(x.shape[1:3], geometry):
            for c in range(x.shape[3]):
                values = [float(x[i, r, s, c]) for r, s in cells]
                k = winner(values)
                y[i, *place, c] = values[k]
                dx[i, *cells[k], c] += float(dy[i, *place, c])
    return y, dx


def average(x: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
    """Return y and dx."""
    y, dx = np.full(dy.shape, np.nan), np.zeros(x.shape)
    for i in range(len(x)):
        for place, cells in windows(x.shape[1:3], geometry):
            for c in range(x.shape[3]):
                y[i, *place, c] = sum(float(x[i, r, s, c]) for r, s in cells) / len(cells)
                for r, s in cells:
                    dx[i, r, s, c] += float(dy[i, *place, c]) / len(cells)
    return y, dx
