"""The affine map of rows: forward and backward.

Shapes: ``x`` is ``(m, n_inputs)``, ``weight`` ``(n_inputs, n_outputs)``, ``bias``
``(n_outputs,)``, ``y`` and ``dy`` ``(m, n_outputs)``.

Forward: ``y = x weight + bias``. Backward::

    dx       = dy weight^T
    d_weight = x^T dy
    d_bias   = sum(dy)
"""

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels._threads import in_parallel, threads

PART = 256
"""Columns of a large product that are an item of work: not so few that each is slower for it."""

PARALLEL_PRODUCTS = 2**24
"""Multiplications from which on a product is shared out among threads."""


def forward(x: FloatArray, weight: FloatArray, bias: FloatArray | None) -> FloatArray:
    """Return x weight + bias; no bias when it is None."""
    y = _product(x, weight)
    if bias is not None:
        y += bias
    return y


def backward_input(dy: FloatArray, weight: FloatArray) -> FloatArray:
    """Return dx."""
    return _product(dy, weight.T)


def backward_weight(dy: FloatArray, x: FloatArray) -> FloatArray:
    """Return d_weight."""
    return _product(x.T, dy)


def backward_bias(dy: FloatArray) -> FloatArray:
    """Return d_bias."""
    d_bias: FloatArray = dy.sum(axis=0)
    return d_bias


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return a b, in parts of columns side by side where it is large."""
    n = b.shape[1]
    if n < 2 * PART or len(a) * b.size < PARALLEL_PRODUCTS:
        whole: FloatArray = a @ b
        return whole
    y = np.empty((len(a), n), np.result_type(a, b))

    def part(i: int) -> None:
        columns = slice(i * PART, (i + 1) * PART)
        np.matmul(a, b[:, columns], out=y[:, columns])

    with threads():
        in_parallel(part, -(-n // PART))
    return y
