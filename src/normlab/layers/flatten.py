"""Images to rows."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.errors import ShapeError
from normlab.layers.base import Layer


class FlattenCache(NamedTuple):
    """What ``Flatten.backward`` needs."""

    shape: tuple[int, ...]  # of the input
    dtype: np.dtype[Any]


class Flatten(Layer[FlattenCache]):
    """Make each image one row: ``(n, height, width, channels)`` to ``(n, features)``.

    Any number of axes behind the first; the order of the elements stays. ``backward`` gives dy the
    shape of the input again.

    Raises
    ------
    ShapeError
        By ``forward`` for an array without a first axis.

    Examples
    --------
    >>> import numpy as np
    >>> y, cache = Flatten().forward(np.zeros((2, 28, 28, 1)), training=True)
    >>> y.shape
    (2, 784)
    """

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, FlattenCache]:
        """Return x as ``(n, features)``; the same in training and evaluation."""
        _checks.float_array("x", x)
        if x.ndim == 0:
            raise ShapeError("x must have a first axis of rows, got shape ().")
        return x.reshape(len(x), prod(x.shape[1:])), FlattenCache(x.shape, x.dtype)

    def backward(self, dy: FloatArray, cache: FlattenCache) -> tuple[FloatArray, Gradients]:
        """Return dy in the shape of the input."""
        rows = (cache.shape[0], prod(cache.shape[1:]))
        dy = _checks.upstream(dy, rows, cache.dtype)
        return dy.reshape(cache.shape), {}

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of features."""
        return (prod(input_shape),)
