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

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels import arrays
from normlab.kernels._team import shared_out
from normlab.kernels.exponential import exp_of_negative
from normlab.kernels.threads import in_parallel


def relu_forward(x: FloatArray) -> FloatArray:
    """Return max(x, 0)."""
    return _forward(relu_into, x)


def relu_backward(dy: FloatArray, y: FloatArray) -> FloatArray:
    """Return dy where y > 0, else 0."""
    return _backward(relu_backward_into, dy, y)


def sigmoid_forward(x: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-x)), without overflow and with all digits in both tails."""
    return _forward(sigmoid_into, x)


def sigmoid_backward(dy: FloatArray, y: FloatArray) -> FloatArray:
    """Return dy y (1 - y)."""
    return _backward(sigmoid_backward_into, dy, y)


def tanh_forward(x: FloatArray) -> FloatArray:
    """Return tanh(x)."""
    y: FloatArray = np.tanh(x)
    return y


def tanh_backward(dy: FloatArray, y: FloatArray) -> FloatArray:
    """Return dy (1 - y^2)."""
    return dy * (1 - y * y)


def _forward(kernel: Callable[..., None], x: FloatArray) -> FloatArray:
    x = np.ascontiguousarray(x)
    y = arrays.empty(x.shape, x.dtype)
    in_parallel(kernel, x.size, x.size, x.reshape(-1), y.reshape(-1))
    return y


def _backward(kernel: Callable[..., None], dy: FloatArray, y: FloatArray) -> FloatArray:
    dx = arrays.empty(y.shape, y.dtype)
    flat = [array.reshape(-1) for array in (np.ascontiguousarray(dy), y, dx)]
    in_parallel(kernel, y.size, y.size, *flat)
    return dx


@shared_out
def relu_into(x: FloatArray, y: FloatArray, first: int, stop: int) -> None:
    """Set y; both are flat."""
    x, y = x[first:stop], y[first:stop]
    for i in range(x.size):
        y[i] = 0.0 if x[i] <= 0.0 else x[i]


@shared_out
def relu_backward_into(
    dy: FloatArray, y: FloatArray, dx: FloatArray, first: int, stop: int
) -> None:
    """Set dx; all are flat."""
    # One pass; NumPy's comparison, mask and product take three.
    dy, y, dx = dy[first:stop], y[first:stop], dx[first:stop]
    for i in range(y.size):
        dx[i] = 0.0 if y[i] <= 0.0 else dy[i]


@shared_out
def sigmoid_into(x: FloatArray, y: FloatArray, first: int, stop: int) -> None:
    """Set y; both are flat."""
    x, y = x[first:stop], y[first:stop]
    one = x.dtype.type(1)
    for i in range(x.size):
        e = exp_of_negative(-abs(x[i]), x)
        y[i] = (e if x[i] < 0 else one) / (one + e)


@shared_out
def sigmoid_backward_into(
    dy: FloatArray, y: FloatArray, dx: FloatArray, first: int, stop: int
) -> None:
    """Set dx; all are flat."""
    dy, y, dx = dy[first:stop], y[first:stop], dx[first:stop]
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] = dy[i] * y[i] * (one - y[i])
