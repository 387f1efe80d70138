"""The steps of the optimizers, in place.

Shapes: ``p`` (parameter), ``g`` (gradient) and the optimizer's state are flat, of one length and
one dtype; so are the scalars, or float32 parameters would be updated at float64's speed. ``p``
and the state are changed; nothing else is.

One pass over memory each: written with NumPy, Adam takes ten.

Where a gradient stays 0, a state that shrinks by a factor each step does not reach 0: nine tenths
of the smallest denormal number round to itself. Square roots of such numbers take several times as
long, on some processors products too. So a state that has become denormal is set to 0.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels._compile import compiled
from normlab.kernels._team import shared_out
from normlab.kernels.threads import in_parallel


def apply(step: Callable[..., None], p: FloatArray, *arguments: Any) -> None:
    """Take a step of the optimizer whose kernel this is, with all that follows p there."""
    in_parallel(step, p.size, p.size, p, *arguments)


@compiled
def _normal(value: Any, least: Any) -> Any:
    # 0 for what is denormal, below the least normal number. NaN stays: it is not below.
    zero = least - least  # of the same dtype; 0.0 would be float64
    return zero if abs(value) < least else value


@shared_out
def sgd(p: FloatArray, g: FloatArray, learning_rate: float, first: int, stop: int) -> None:
    """Apply p -= learning_rate g."""
    p, g = p[first:stop], g[first:stop]
    for i in range(p.size):
        p[i] -= learning_rate * g[i]


@shared_out
def decay(p: FloatArray, factor: float, first: int, stop: int) -> None:
    """Apply p = factor p."""
    p = p[first:stop]
    for i in range(p.size):
        p[i] *= factor


@shared_out
def momentum(
    p: FloatArray,
    g: FloatArray,
    v: FloatArray,
    learning_rate: float,
    mu: float,
    first: int,
    stop: int,
) -> None:
    """Apply v = mu v - learning_rate g, then p += v."""
    p, g, v = p[first:stop], g[first:stop], v[first:stop]
    least = np.finfo(p.dtype).tiny
    for i in range(p.size):
        v[i] = _normal(mu * v[i] - learning_rate * g[i], least)
        p[i] += v[i]


@shared_out
def nesterov(
    p: FloatArray,
    g: FloatArray,
    v: FloatArray,
    learning_rate: float,
    mu: float,
    first: int,
    stop: int,
) -> None:
    """Apply v = mu v - learning_rate g, then p += mu v - learning_rate g."""
    p, g, v = p[first:stop], g[first:stop], v[first:stop]
    least = np.finfo(p.dtype).tiny
    for i in range(p.size):
        v[i] = _normal(mu * v[i] - learning_rate * g[i], least)
        p[i] += mu * v[i] - learning_rate * g[i]


@shared_out
def adagrad(
    p: FloatArray,
    g: FloatArray,
    h: FloatArray,
    learning_rate: float,
    eps: float,
    first: int,
    stop: int,
) -> None:
    """Apply h += g^2, then p -= learning_rate g / (sqrt(h) + eps)."""
    p, g, h = p[first:stop], g[first:stop], h[first:stop]
    for i in range(p.size):
        h[i] += g[i] * g[i]
        p[i] -= learning_rate * g[i] / (np.sqrt(h[i]) + eps)


@shared_out
def rmsprop(
    p: FloatArray,
    g: FloatArray,
    h: FloatArray,
    learning_rate: float,
    new: float,
    eps: float,
    first: int,
    stop: int,
) -> None:
    """Apply h += new (g^2 - h), then p -= learning_rate g / (sqrt(h) + eps); new is 1 - rho."""
    p, g, h = p[first:stop], g[first:stop], h[first:stop]
    least = np.finfo(p.dtype).tiny
    for i in range(p.size):
        h[i] += new * (g[i] * g[i] - h[i])
        h[i] = _normal(h[i], least)
        p[i] -= learning_rate * g[i] / (np.sqrt(h[i]) + eps)


@shared_out
def adam(
    p: FloatArray,
    g: FloatArray,
    m: FloatArray,
    v: FloatArray,
    step_size: float,
    new1: float,
    new2: float,
    v_scale: float,
    eps: float,
    first: int,
    stop: int,
) -> None:
    """Apply one step of Adam.

    m += new1 (g - m), v += new2 (g^2 - v), then p -= step_size m / (sqrt(v v_scale) + eps).

    new1 is 1 - beta1 and new2 is 1 - beta2: float32 would round a beta2 near 1 to 1. The step size
    holds the bias correction of m: learning_rate / (1 - beta1^t); v_scale is 1 / (1 - beta2^t), for
    a second division would take a tenth more time.
    """
    p, g, m, v = p[first:stop], g[first:stop], m[first:stop], v[first:stop]
    least = np.finfo(p.dtype).tiny
    for i in range(p.size):
        m_new = _normal(m[i] + new1 * (g[i] - m[i]), least)
        v_new = _normal(v[i] + new2 * (g[i] * g[i] - v[i]), least)
        m[i], v[i] = m_new, v_new
        p[i] -= step_size * m_new / (np.sqrt(v_new * v_scale) + eps)
