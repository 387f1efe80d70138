"""The affine map of rows: forward and backward.

Shapes: ``x`` is ``(m, n_inputs)``, ``weight`` ``(n_inputs, n_outputs)``, ``bias``
``(n_outputs,)``, ``y`` and ``dy`` ``(m, n_outputs)``.

Forward: ``y = x weight + bias``. Backward::

    dx       = dy weight^T
    d_weight = x^T dy
    d_bias   = sum(dy)
"""

from normlab._typing import FloatArray


def forward(x: FloatArray, weight: FloatArray, bias: FloatArray | None) -> FloatArray:
    """Return x weight + bias; no bias when it is None."""
    y: FloatArray = x @ weight
    if bias is not None:
        y += bias
    return y


def backward_input(dy: FloatArray, weight: FloatArray) -> FloatArray:
    """Return dx."""
    dx: FloatArray = dy @ weight.T
    return dx


def backward_weight(dy: FloatArray, x: FloatArray) -> FloatArray:
    """Return d_weight."""
    d_weight: FloatArray = x.T @ dy
    return d_weight


def backward_bias(dy: FloatArray) -> FloatArray:
    """Return d_bias."""
    d_bias: FloatArray = dy.sum(axis=0)
    return d_bias
