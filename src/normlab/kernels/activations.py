"""Element-wise activations: forward and backward, for arrays of any shape.

===========  =======================  =====================
activation   forward                  backward
===========  =======================  =====================
ReLU         y = max(x, 0)            dx = dy where y > 0
sigmoid      y = 1 / (1 + exp(-x))    dx = dy y (1 - y)
tanh         y = tanh(x)              dx = dy (1 - y^2)
===========  =======================  =====================

Each backward pass needs the output ``y`` only. At 0, where ReLU has no derivative, the
gradient is 0. NaN passes through both ways.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels import arrays
from normlab.kernels._team import shared_out
from normlab.kernels.exponential import exp_of_negative
from normlab.kernels.threads import in_parallel


class Kernels(NamedTuple):
    """Those of an activation, of ``_team.shared_out``, for flat arrays."""

    forward: Callable[..., None]
    backward: Callable[..., None]


def forward(activation: Kernels, x: FloatArray) -> FloatArray:
    """Return y."""
    y = arrays.empty(x.shape, x.dtype)
    flat = np.ascontiguousarray(x).reshape(-1), y.reshape(-1)
    in_parallel(activation.forward, x.size, x.size, *flat)
    return y


def backward(activation: Kernels, dy: FloatArray, y: FloatArray) -> FloatArray:
    """Return dx."""
    dx = arrays.empty(y.shape, y.dtype)
    flat = [array.reshape(-1) for array in (np.ascontiguousarray(dy), y, dx)]
    in_parallel(activation.backward, y.size, y.size, *flat)
    return dx


@shared_out
def relu_forward(x: FloatArray, y: FloatArray, first: int, stop: int) -> None:
    """Set y."""
    x, y = x[first:stop], y[first:stop]
    for i in range(x.size):
        y[i] = 0.0 if x[i] <= 0.0 else x[i]


@shared_out
def relu_backward(dy: FloatArray, y: FloatArray, dx: FloatArray, first: int, stop: int) -> None:
    """Set dx."""
    # One pass; NumPy's comparison, mask and product take three.
    dy, y, dx = dy[first:stop], y[first:stop], dx[first:stop]
    for i in range(y.size):
        dx[i] = 0.0 if y[i] <= 0.0 else dy[i]


@shared_out
def sigmoid_forward(x: FloatArray, y: FloatArray, first: int, stop: int) -> None:
    """Set y."""
    x, y = x[first:stop], y[first:stop]
    one = x.dtype.type(1)
    for i in range(x.size):
        e = exp_of_negative(-abs(x[i]), x)
        y[i] = (e if x[i] < 0 else one) / (one + e)


@shared_out
def sigmoid_backward(dy: FloatArray, y: FloatArray, dx: FloatArray, first: int, stop: int) -> None:
    """Set dx."""
    dy, y, dx = dy[first:stop], y[first:stop], dx[first:stop]
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * y[i] * (one - y[i])


@shared_out
def tanh_forward(x: FloatArray, y: FloatArray, first: int, stop: int) -> None:
    """Set y."""
    x, y = x[first:stop], y[first:stop]
    number = x.dtype.type
    one, limit = number(1), number(0.625)
    for i in range(x.size):
        size, s = abs(x[i]), x[i] * x[i]
        # Near 0, where 1 - e has lost its digits, the approximation of Moshier's Cephes library.
        p = number(-9.64399179425052238628e-1) * s + number(-9.92877231001918586564e1)
        p = p * s + number(-1.61468768441708447952e3)
        q = (s + number(1.12811678491632931402e2)) * s + number(2.23548839060100448583e3)
        q = q * s + number(4.84406305325125486048e3)
        e = exp_of_negative(-size - size, x)
        far = (one - e) / (one + e)
        near = size + size * s * (p / q)
        y[i] = np.copysign(near if size < limit else far, x[i])


@shared_out
def tanh_backward(dy: FloatArray, y: FloatArray, dx: FloatArray, first: int, stop: int) -> None:
    """Set dx."""
    dy, y, dx = dy[first:stop], y[first:stop], dx[first:stop]
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * (one - y[i] * y[i])


RELU = Kernels(relu_forward, relu_backward)
SIGMOID = Kernels(sigmoid_forward, sigmoid_backward)
TANH = Kernels(tanh_forward, tanh_backward)
