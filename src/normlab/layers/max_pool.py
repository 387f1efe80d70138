"""Maximum pooling; see ``kernels.pooling``."""

from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.kernels import pooling
from normlab.kernels.pooling import Winners
from normlab.kernels.windows import Windows
from normlab.layers.batch_norm import BatchNormCache
from normlab.layers.pooling import Pooling2D


class MaxPool2DCache(NamedTuple):
    """What ``MaxPool2D.backward`` needs."""

    winner: Winners  # of the output's shape: which cell of its window, row by row from 0
    windows: Windows
    dtype: np.dtype[Any]


class MaxPool2D(Pooling2D[MaxPool2DCache]):
    """The greatest of the values that a window covers, in each channel.

    Backward: each element of dy goes to the cell that its maximum came from; ``dx`` sums them where
    windows overlap, and is 0 elsewhere.

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
        ``pool_size``: that many rows and columns on every side. Padding is never the maximum.

    Raises
    ------
    ShapeError
        By ``forward`` for other shapes than ``(n, height, width, channels)``, and for images
        smaller than a window.

    Notes
    -----
    Of equal values the first takes the gradient, row by row. NaN counts as greater than all
    numbers, of several the last. So it is in PyTorch's ``MaxPool2d``, which has the same arguments
    under the names ``kernel_size``, ``stride`` and ``padding``, but knows no ``"same"``; Keras's
    ``MaxPooling2D`` calls the second ``strides``. The cache is a byte a value of the output, for
    windows up to 256 cells.

    References
    ----------
    Ranzato et al. (2007), "Unsupervised Learning of Invariant Feature Hierarchies with
    Applications to Object Recognition".

    Examples
    --------
    >>> import numpy as np
    >>> layer = MaxPool2D(2)
    >>> x = np.array([[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 0.0, 2.0]]).reshape(1, 2, 4, 1)
    >>> y, cache = layer.forward(x, training=True)
    >>> y.reshape(-1)
    array([5., 2.])
    >>> layer.backward(np.ones_like(y), cache)[0].reshape(2, 4)
    array([[0., 1., 1., 0.],
           [0., 0., 0., 0.]])
    """

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, MaxPool2DCache]:
        """Return the maxima; the same in training and evaluation."""
        return self._forward(x)

    def forward_of_rectified(self, cache: BatchNormCache) -> tuple[FloatArray, MaxPool2DCache]:
        """Return what ``forward`` gives of ``cache.normalized(relu=True)``, bit for bit.

        Where features are last, that array is never there: in half the time, in no memory.
        """
        if cache.x.ndim == 2:
            return self._forward(cache.x.reshape(cache.shape), cache.terms)
        return self._forward(cache.normalized(relu=True))

    def _forward(
        self, x: FloatArray, terms: FloatArray | None = None
    ) -> tuple[FloatArray, MaxPool2DCache]:
        windows = self._windows_on(x)
        y, winner = pooling.max_forward(x, windows, terms)
        return y, MaxPool2DCache(winner, windows, x.dtype)

    def backward(self, dy: FloatArray, cache: MaxPool2DCache) -> tuple[FloatArray, Gradients]:
        """Return dx."""
        dy = _checks.upstream(dy, cache.winner.shape, cache.dtype)
        return pooling.max_backward(dy, cache.winner, cache.windows), {}
