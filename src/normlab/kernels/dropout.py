"""Dropout: which elements are kept, and what they become.

Shapes: ``x``, ``u``, ``mask`` and ``y`` are of one shape; u is uniform on [0, 1), in float32.

::

    mask = 1 / (1 - rate) where u >= rate, else 0
    y    = x mask
"""

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels._team import shared_out
from normlab.kernels.threads import in_parallel


def forward(x: FloatArray, u: FloatArray, rate: float) -> tuple[FloatArray, FloatArray]:
    """Return y and the mask."""
    mask, y = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    flat = [array.reshape(-1) for array in (np.ascontiguousarray(x), u, mask, y)]
    in_parallel(_forward, x.size, x.size, *flat, u.dtype.type(rate), x.dtype.type(1 / (1 - rate)))
    return y, mask


@shared_out
def _forward(
    x: FloatArray,
    u: FloatArray,
    mask: FloatArray,
    y: FloatArray,
    rate: float,
    scale: float,
    first: int,
    stop: int,
) -> None:
    # One pass; NumPy's comparison and two products take three.
    x, u, mask, y = x[first:stop], u[first:stop], mask[first:stop], y[first:stop]
    for i in range(x.size):
        mask[i] = scale if u[i] >= rate else 0.0
        y[i] = x[i] * mask[i]
