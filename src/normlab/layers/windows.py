"""Where a window that slides over images stands: sizes, strides and padding, in both directions."""

from typing import Any, Literal, TypeAlias, cast

from normlab import _checks
from normlab.errors import ShapeError
from normlab.kernels.windows import Pair, Windows

Padding: TypeAlias = Literal["same", "valid"] | int


def pair(argument: str, value: Any) -> Pair:
    """Return ``value``, one integer of at least 1 or two, as (height, width)."""
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    rule = "be an integer of at least 1, or two: (height, width)"
    right = len(values) == 2 and all(_checks.is_integer(v) and v >= 1 for v in values)
    _checks.require(right, argument, rule, value)
    return int(values[0]), int(values[1])


def short(sizes: Pair) -> int | Pair:
    """Return one number for two that are the same: what ``pair`` takes for them."""
    return sizes[0] if sizes[0] == sizes[1] else sizes


def checked_padding(value: Any) -> Padding:
    """Return ``value`` if it is "same", "valid" or an integer of at least 0."""
    if isinstance(value, str):
        return cast(Padding, _checks.one_of("padding", value, ("same", "valid")))
    rule = 'be "same", "valid" or an integer of at least 0'
    _checks.require(_checks.is_integer(value) and value >= 0, "padding", rule, value)
    return int(value)


def windows(
    image: Pair, size: Pair, stride: Pair, padding: Padding, argument: str = "x"
) -> Windows:
    """Return the windows on images of (height, width) = ``image``.

    ``"valid"``: only windows inside the image. ``"same"``: ceil(image / stride) windows, the
    padding they need shared out evenly, an odd rest below and to the right (TensorFlow, PyTorch).
    A number: as many rows and columns of padding on each side.
    """
    befores, outputs = [], []
    for i in range(2):
        before, after = _around(image[i], size[i], stride[i], padding)
        room = image[i] + before + after - size[i]
        if room < 0:
            raise ShapeError(
                f"{argument} must have images at least as large as a window of {size}"
                f" (padding {padding!r}), got {image}."
            )
        befores.append(before)
        outputs.append(room // stride[i] + 1)
    return Windows(size, stride, (befores[0], befores[1]), (outputs[0], outputs[1]), image)


def _around(image: int, size: int, stride: int, padding: Padding) -> Pair:
    """Return the padding before and behind an image in one direction."""
    if padding == "valid":
        return 0, 0
    if padding == "same":
        total = max(0, (-(-image // stride) - 1) * stride + size - image)
        return total // 2, total - total // 2
    return padding, padding
