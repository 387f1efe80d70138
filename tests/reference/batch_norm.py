"""Twin of ``kernels.batch_norm``: every intermediate quantity has a name and a line.

Forward is Algorithm 1 of Ioffe & Szegedy (2015); backward is their chain of partial derivatives
(section 3), not simplified. ``jacobian`` is a third derivation, for one column.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reference import moments

Array = NDArray[Any]


class Gradients(NamedTuple):
    dx: Array
    d_gamma: Array
    d_beta: Array


def normalized(x: Array, eps: float) -> Array:
    """Return x_hat with the batch's own statistics."""
    x_hat = np.zeros(x.shape)
    deviation, var = moments.centered(x), moments.var(x)
    for j in range(x.shape[1]):
        if var[j] + eps > 0:
            x_hat[:, j] = deviation[:, j] / np.sqrt(var[j] + eps)
    return x_hat


def forward(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    y: Array = gamma.astype(float) * normalized(x, eps) + beta.astype(float)
    return y


def forward_fixed(
    x: Array, mean: Array, var: Array, gamma: Array, beta: Array, eps: float
) -> Array:
    x_hat = (x.astype(float) - mean) / np.sqrt(var + eps)
    y: Array = gamma.astype(float) * x_hat + beta.astype(float)
    return y


def backward(dy: Array, x: Array, gamma: Array, eps: float) -> Gradients:
    m = len(x)
    dy, gamma = dy.astype(float), gamma.astype(float)
    deviation, var = moments.centered(x), moments.var(x)
    std = np.sqrt(var + eps)
    d_x_hat = dy * gamma
    d_var = (d_x_hat * deviation).sum(axis=0) * -0.5 * (var + eps) ** -1.5
    d_mean = (-d_x_hat / std).sum(axis=0) + d_var * (-2 * deviation).sum(axis=0) / m
    dx = d_x_hat / std + d_var * 2 * deviation / m + d_mean / m
    return Gradients(dx, (dy * (deviation / std)).sum(axis=0), dy.sum(axis=0))


def backward_fixed(
    dy: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
) -> Gradients:
    dy, x, gamma = dy.astype(float), x.astype(float), gamma.astype(float)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return Gradients(dy * gamma / std, (dy * x_hat).sum(axis=0), dy.sum(axis=0))


def jacobian(column: Array, gamma: float, eps: float) -> Array:
    """Return d y_i / d x_k of one column, element by element."""
    m = len(column)
    x_hat = normalized(column[:, np.newaxis], eps)[:, 0]
    std = np.sqrt(moments.var(column[:, np.newaxis])[0] + eps)
    matrix = np.empty((m, m))
    for i in range(m):
        for k in range(m):
            matrix[i, k] = gamma / std * (float(i == k) - 1 / m - x_hat[i] * x_hat[k] / m)
    return matrix
