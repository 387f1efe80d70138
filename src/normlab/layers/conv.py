"""Convolution of images; see ``kernels.convolution``."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from normlab import _checks
from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import ShapeError
from normlab.kernels import convolution
from normlab.kernels.windows import Pair, Windows
from normlab.layers.base import Layer
from normlab.layers.held import Held
from normlab.layers.initializers import WeightInit, draw_weight
from normlab.layers.windows import Padding, checked_padding, pair, short, windows


class Conv2DCache(NamedTuple):
    """What ``Conv2D.backward`` needs."""

    x: FloatArray  # (n, height, width, in_channels), the input, C-contiguous
    windows: Windows


class Conv2D(Layer[Conv2DCache]):
    """Two-dimensional convolution: one weight for all places of an image.

    With a stride s and paddings p above and q to the left, x being 0 outside the image::

        y[i, j] = bias + sum over u, v of x[i s + u - p, j s + v - q] weight[u, v]

    (Which is the cross-correlation, as everywhere in the field.) Backward: ``dx`` is the sum of
    ``dy[i, j] weight[u, v]^T`` over all windows that an input pixel is in, ``d_weight[u, v]`` that
    of ``x[i s + u - p, j s + v - q]^T dy[i, j]`` over all windows and images, ``d_bias`` that of
    dy.

    Parameters
    ----------
    in_channels, out_channels
        Sizes; input is ``(n, height, width, in_channels)``, output ``(n, out_height, out_width,
        out_channels)``.
    kernel_size
        Height and width of the window: one integer >= 1, or a pair.
    stride
        Steps from one window to the next: one integer >= 1 (default 1), or (down, across).
    padding
        ``"same"`` (default): ceil(size / stride) windows in each direction; what padding they
        need is shared out evenly, an odd rest goes below and to the right. ``"valid"``: none,
        only windows inside the image. An integer: that many zeros on every side.
    bias
        Whether there is a bias, one a map, which starts at 0. Right before batch normalization it
        does nothing: the mean is subtracted again, and its true gradient is 0.
    rng
        Generator of the initial weights; needed unless ``weight_init`` is 0.
    weight_init
        ``"he"`` (default), ``"xavier"``, ``"lecun"`` or a standard deviation, as in ``Dense``; the
        inputs of an output are kernel height x width x in_channels.
    truncated
        Whether draws beyond two standard deviations are drawn again. Default False.
    dtype
        float32 (default) or float64, of the parameters.

    Raises
    ------
    ShapeError
        By ``forward`` for other channels, or images smaller than a window.

    Notes
    -----
    ``weight`` is ``(height, width, in_channels, out_channels)``, as in Keras; PyTorch's ``Conv2d``
    has ``(out_channels, in_channels, height, width)``. The memory a pass needs beside its result
    is a few padded images a thread, never the matrix of all windows.

    References
    ----------
    LeCun et al. (1989), "Backpropagation Applied to Handwritten Zip Code Recognition".
    Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning": sizes, strides
    and padding.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Conv2D(1, 8, 5, stride=2, rng=np.random.default_rng(0))
    >>> y, cache = layer.forward(np.ones((3, 28, 28, 1), dtype=np.float32), training=True)
    >>> dx, gradients = layer.backward(y, cache)
    >>> y.shape, dx.shape, gradients["weight"].shape, gradients["bias"].shape
    ((3, 14, 14, 8), (3, 28, 28, 1), (5, 5, 1, 8), (8,))
    """

    weight: Held[FloatArray] = Held()
    bias: Held[FloatArray | None] = Held()

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: Padding = "same",
        bias: bool = True,
        rng: np.random.Generator | None = None,
        weight_init: WeightInit = "he",
        truncated: bool = False,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.in_channels = _checks.integer("in_channels", in_channels, at_least=1)
        self.out_channels = _checks.integer("out_channels", out_channels, at_least=1)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.stride = pair("stride", stride)
        self.padding = checked_padding(padding)
        dtype = _checks.float_dtype("dtype", dtype)
        shape = (*self.kernel_size, self.in_channels, self.out_channels)
        self.weight = draw_weight(shape, weight_init, rng, dtype, truncated)
        self.bias = np.zeros(self.out_channels, dtype) if _checks.boolean("bias", bias) else None

    @property
    def parameters(self) -> Parameters:
        """``weight`` and, if there is one, ``bias``."""
        named = {"weight": self.weight}
        return named if self.bias is None else named | {"bias": self.bias}

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, Conv2DCache]:
        """Return the maps; the same in training and evaluation."""
        _checks.float_array("x", x)
        if x.ndim != 4 or x.shape[3] != self.in_channels:
            raise ShapeError(
                f"x must have shape (n, height, width, {self.in_channels}), got {x.shape}."
            )
        cache = Conv2DCache(np.ascontiguousarray(x), self._windows(x.shape[1:3]))
        bias = None if self.bias is None else self.bias.astype(x.dtype, copy=False)
        y = convolution.forward(cache.x, self._weight(x.dtype), bias, cache.windows)
        return y, cache

    def backward(self, dy: FloatArray, cache: Conv2DCache) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients of weight and bias."""
        dy = self._upstream(dy, cache)
        dx = convolution.backward_input(dy, self._weight(dy.dtype), cache.windows)
        return dx, self._gradients(dy, cache)

    def parameter_gradients(self, dy: FloatArray, cache: Conv2DCache) -> Gradients:
        """Return the gradients of weight and bias, without the product that dx costs."""
        return self._gradients(self._upstream(dy, cache), cache)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(out_height, out_width, out_channels)``."""
        if len(input_shape) != 3 or input_shape[2] != self.in_channels:
            raise ShapeError(
                f"input_shape must be (height, width, {self.in_channels}), got {input_shape}."
            )
        return (*self._windows(input_shape, "input_shape").output, self.out_channels)

    def _windows(self, image: tuple[int, ...], argument: str = "x") -> Windows:
        sizes = self.kernel_size, self.stride, self.padding
        return windows((image[0], image[1]), *sizes, argument)

    def _gradients(self, dy: FloatArray, cache: Conv2DCache) -> Gradients:
        d_weight = convolution.backward_weight(dy, cache.x, cache.windows)
        gradients = {"weight": d_weight.astype(self.weight.dtype, copy=False)}
        if self.bias is not None:
            gradients["bias"] = convolution.backward_bias(dy).astype(self.bias.dtype, copy=False)
        return gradients

    def _upstream(self, dy: FloatArray, cache: Conv2DCache) -> FloatArray:
        shape = (len(cache.x), *cache.windows.output, self.out_channels)
        return np.ascontiguousarray(_checks.upstream(dy, shape, cache.x.dtype))

    def _weight(self, dtype: np.dtype[np.floating]) -> FloatArray:
        return self.weight.astype(dtype, copy=False)

    def __repr__(self) -> str:
        """Name what differs from the defaults, but for the dtype."""
        return self._repr(
            self.in_channels,
            self.out_channels,
            short(self.kernel_size),
            stride=(short(self.stride), 1),
            padding=(self.padding, "same"),
            bias=(self.bias is not None, True),
        )
