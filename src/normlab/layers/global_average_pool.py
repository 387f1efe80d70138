"""The mean of each feature map; see ``kernels.pooling``."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.errors import ShapeError
from normlab.kernels import pooling
from normlab.layers.base import Layer


class GlobalAveragePoolCache(NamedTuple):
    """What ``GlobalAveragePool.backward`` needs."""

    shape: tuple[int, ...]  # of the input
    dtype: np.dtype[Any]


class GlobalAveragePool(Layer[GlobalAveragePoolCache]):
    """The mean of each channel: ``(n, height, width, channels)`` to ``(n, channels)``.

    Any number of axes between the first and the last. Backward: each cell has the gradient of its
    mean, divided by the number of cells.

    Raises
    ------
    ShapeError
        By ``forward`` for arrays without a first and a last axis, or with no cell to average.

    Notes
    -----
    Keras: ``GlobalAveragePooling2D``. PyTorch: ``AdaptiveAvgPool2d(1)`` and ``Flatten``.

    References
    ----------
    Lin, Chen & Yan (2013), "Network In Network", section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = GlobalAveragePool().forward(np.ones((2, 7, 7, 64)), training=True)
    >>> y.shape
    (2, 64)
    """

    def forward(
        self, x: FloatArray, *, training: bool
    ) -> tuple[FloatArray, GlobalAveragePoolCache]:
        """Return the means; the same in training and evaluation."""
        _checks.float_array("x", x)
        if x.ndim < 2 or 0 in x.shape[1:-1]:
            rule = "have shape (n, ..., channels) with at least one cell"
            raise ShapeError(f"x must {rule}, got {x.shape}.")
        y = pooling.global_average_forward(x.reshape(_as_cells(x.shape)))
        return y, GlobalAveragePoolCache(x.shape, x.dtype)

    def backward(
        self, dy: FloatArray, cache: GlobalAveragePoolCache
    ) -> tuple[FloatArray, Gradients]:
        """Return dx."""
        n, n_cells, channels = _as_cells(cache.shape)
        dy = _checks.upstream(dy, (n, channels), cache.dtype)
        return pooling.global_average_backward(dy, n_cells).reshape(cache.shape), {}

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(channels,)``."""
        if not input_shape:
            raise ShapeError("input_shape must be (..., channels), got ().")
        return input_shape[-1:]


def _as_cells(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return shape[0], prod(shape[1:-1]), shape[-1]
