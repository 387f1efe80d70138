"""Twin of ``kernels.dense``: three nested loops."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def forward(x: Array, weight: Array, bias: Array) -> Array:
    y = np.zeros((x.shape[0], weight.shape[1]))
    for i in range(x.shape[0]):
        for j in range(weight.shape[1]):
            y[i, j] = float(bias[j])
            for k in range(x.shape[1]):
                y[i, j] += float(x[i, k]) * float(weight[k, j])
    return y


def backward(dy: Array, x: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Return dx, d_weight, d_bias: each product goes where its factors came from."""
    dx, d_weight, d_bias = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(weight.shape[1])
    for i in range(x.shape[0]):
        for j in range(weight.shape[1]):
            d_bias[j] += float(dy[i, j])
            for k in range(x.shape[1]):
                dx[i, k] += float(dy[i, j]) * float(weight[k, j])
                d_weight[k, j] += float(dy[i, j]) * float(x[i, k])
    return dx, d_weight, d_bias
