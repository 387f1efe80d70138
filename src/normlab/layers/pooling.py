"""What the pooling layers with windows share."""

from normlab import _checks
from normlab._typing import FloatArray
from normlab.errors import ShapeError
from normlab.kernels.windows import Pair, Windows
from normlab.layers.base import Cache, Layer
from normlab.layers.windows import Padding, checked_padding, pair, short, windows


class Pooling2D(Layer[Cache]):
    """A value for each window on an image and each channel, the same in training and evaluation."""

    def __init__(
        self,
        pool_size: int | Pair,
        *,
        stride: int | Pair | None = None,
        padding: Padding = "valid",
    ) -> None:
        self.pool_size = pair("pool_size", pool_size)
        self.stride = self.pool_size if stride is None else pair("stride", stride)
        self.padding = checked_padding(padding)
        # Otherwise there are windows with nothing but padding in them.
        all_see_pixels = isinstance(self.padding, str) or self.padding < min(self.pool_size)
        rule = f"be smaller than pool_size {self.pool_size}"
        _checks.require(all_see_pixels, "padding", rule, padding)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (windows down, windows across, channels)."""
        if len(input_shape) != 3 or 0 in input_shape[:2]:
            rule = "be (height, width, channels) with at least one pixel"
            raise ShapeError(f"input_shape must {rule}, got {input_shape}.")
        return (*self._windows(input_shape, "input_shape").output, input_shape[2])

    def _windows_on(self, x: FloatArray) -> Windows:
        """Return the windows on the images in x."""
        _checks.float_array("x", x)
        if x.ndim != 4 or 0 in x.shape[1:3]:
            rule = "have shape (n, height, width, channels) with at least one pixel"
            raise ShapeError(f"x must {rule}, got {x.shape}.")
        return self._windows(x.shape[1:])

    def _windows(self, image: tuple[int, ...], argument: str = "x") -> Windows:
        sizes = self.pool_size, self.stride, self.padding
        return windows((image[0], image[1]), *sizes, argument)

    def __repr__(self) -> str:
        """Name what differs from the defaults."""
        size, stride = short(self.pool_size), short(self.stride)
        return self._repr(size, stride=(stride, size), padding=(self.padding, "valid"))
