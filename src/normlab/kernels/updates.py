"""The steps of the optimizers, in place.

Shapes: ``p`` (parameter), ``g`` (gradient) and the optimizer's state are flat, of one length and
one dtype; so are the scalars, or float32 parameters would be updated at float64's speed. ``p``
and the state are changed; nothing else is.

One pass over memory each: written with NumPy, Adam takes ten.
"""

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels._compile import compiled


@compiled
def sgd(p: FloatArray, g: FloatArray, learning_rate: float) -> None:
    """Apply p -= learning_rate g."""
    for i in range(p.size):
        p[i] -= learning_rate * g[i]


@compiled
def momentum(p: FloatArray, g: FloatArray, v: FloatArray, learning_rate: float, mu: float) -> None:
    """Apply v = mu v - learning_rate g, then p += v."""
    for i in range(p.size):
        v[i] = mu * v[i] - learning_rate * g[i]
        p[i] += v[i]


@compiled
def nesterov(p: FloatArray, g: FloatArray, v: FloatArray, learning_rate: float, mu: float) -> None:
    """Apply v = mu v - learning_rate g, then p += mu v - learning_rate g."""
    for i in range(p.size):
        v[i] = mu * v[i] - learning_rate * g[i]
        p[i] += mu * v[i] - learning_rate * g[i]


@compiled
def adagrad(p: FloatArray, g: FloatArray, h: FloatArray, learning_rate: float, eps: float) -> None:
    """Apply h += g^2, then p -= learning_rate g / (sqrt(h) + eps)."""
    for i in range(p.size):
        h[i] += g[i] * g[i]
        p[i] -= learning_rate * g[i] / (np.sqrt(h[i]) + eps)


@compiled
def rmsprop(
    p: FloatArray, g: FloatArray, h: FloatArray, learning_rate: float, rho: float, eps: float
) -> None:
    """Apply h = rho h + (1 - rho) g^2, then p -= learning_rate g / (sqrt(h) + eps)."""
    for i in range(p.size):
        h[i] += (1 - rho) * (g[i] * g[i] - h[i])
        p[i] -= learning_rate * g[i] / (np.sqrt(h[i]) + eps)


@compiled
def adam(
    p: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    step_size: float,
    new1: float,
    new2: float,
    v_correction: float,
    eps: float,
) -> None:
    """Apply one step of Adam.

    m += new1 (g - m), v += new2 (g^2 - v), then p -= step_size m / (sqrt(v / v_correction) + eps).

    new1 is 1 - beta1 and new2 is 1 - beta2: float32 would round a beta2 near 1 to 1. The step size
    holds the bias correction of m: learning_rate / (1 - beta1^t); v_correction is 1 - beta2^t.
    """
    for i in range(p.size):
        m[i] += new1 * (g[i] - m[i])
        v[i] += new2 * (g[i] * g[i] - v[i])
        p[i] -= step_size * m[i] / (np.sqrt(v[i] / v_correction) + eps)
