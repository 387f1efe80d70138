"""Twin of ``kernels.convolution``: a loop for each index, and no padding but a question."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab.kernels.windows import Windows

Array = NDArray[Any]


def forward(x: Array, weight: Array, bias: Array, w: Windows) -> Array:
    y: Array = np.zeros((len(x), *w.output, weight.shape[3])) + bias.astype(float)
    for i, j, u, v, row, column in _meetings(w):
        y[:, i, j] += x[:, row, column].astype(float) @ weight[u, v].astype(float)
    return y


def backward(dy: Array, x: Array, weight: Array, w: Windows) -> tuple[Array, Array, Array]:
    """Return dx, d_weight, d_bias: each product goes where its factors came from."""
    dx, d_weight = np.zeros(x.shape), np.zeros(weight.shape)
    for i, j, u, v, row, column in _meetings(w):
        dx[:, row, column] += dy[:, i, j].astype(float) @ weight[u, v].T.astype(float)
        d_weight[u, v] += x[:, row, column].T.astype(float) @ dy[:, i, j].astype(float)
    return dx, d_weight, dy.sum(axis=(0, 1, 2), dtype=float)


def _meetings(w: Windows) -> Any:
    """Yield window (i, j), cell (u, v) of it, and the pixel of the image that is there."""
    for i, j, u, v in np.ndindex(*w.output, *w.size):
        row = i * w.stride[0] + u - w.before[0]
        column = j * w.stride[1] + v - w.before[1]
        if 0 <= row < w.image[0] and 0 <= column < w.image[1]:
            yield i, j, u, v, row, column
