"""Average pooling; see ``kernels.pooling``."""

from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.kernels import pooling
from normlab.kernels.windows import Windows
from normlab.layers.pooling import Pooling2D


class AveragePool2DCache(NamedTuple):
    """What ``AveragePool2D.backward`` needs."""

    shape: tuple[int, ...]  # of the output
    windows: Windows
    dtype: np.dtype[Any]


class AveragePool2D(Pooling2D[AveragePool2DCache]):
    """The mean of the values that a window covers, in each channel.

    Backward: each element of dy, divided by the number of cells that its mean is of, goes to all of
    them; ``dx`` sums them where windows overlap, and is 0 where there is none.

    Parameters
    ----------
    pool_size
        Height and width of a window: one integer >= 1, or a pair.
    stride
        Steps from one window to the next, one integer >= 1 or (down, across): smaller than the
        window, windows overlap; larger, they leave gaps. Default: ``pool_size``.
    padding
        ``"valid"`` (default): only windows inside the image; rows and columns that fill none are
        left out. ``"same"``: ceil(size / stride) windows in each direction. An integer below
        ``pool_size``: that many rows and columns on every side. Padding does not count: the mean
        is that of the cells inside the image.

    Raises
    ------
    ShapeError
        By ``forward`` for other shapes than ``(n, height, width, channels)``, and for images
        smaller than a window.

    Notes
    -----
    The same as Keras's ``AveragePooling2D`` and as PyTorch's ``AvgPool2d`` with
    ``count_include_pad=False``. PyTorch's default is True: it divides by the size of the window
    also where that reaches outside, so that padding counts as zeros.

    References
    ----------
    LeCun et al. (1998), "Gradient-Based Learning Applied to Document Recognition": subsampling.

    Examples
    --------
    >>> import numpy as np
    >>> layer = AveragePool2D(2, padding="same")
    >>> x = np.array([[1.0, 5.0, 2.0], [3.0, 3.0, 4.0]]).reshape(1, 2, 3, 1)
    >>> y, cache = layer.forward(x, training=True)
    >>> y.reshape(-1)
    array([3., 3.])
    >>> layer.backward(np.ones_like(y), cache)[0].reshape(2, 3)
    array([[0.25, 0.25, 0.5 ],
           [0.25, 0.25, 0.5 ]])
    """

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, AveragePool2DCache]:
        """Return the means; the same in training and evaluation."""
        windows = self._windows_on(x)
        y = pooling.average_forward(x, windows)
        return y, AveragePool2DCache(y.shape, windows, x.dtype)

    def backward(self, dy: FloatArray, cache: AveragePool2DCache) -> tuple[FloatArray, Gradients]:
        """Return dx."""
        dy = _checks.upstream(dy, cache.shape, cache.dtype)
        return pooling.average_backward(dy, cache.windows), {}
