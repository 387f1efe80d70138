"""Where a window that slides over images stands, and the offsets of its cells.

Windows are laid on a canvas: the image among as many zeros as they reach into. There the first cell
of a window and the cells of a window are two tables of offsets, whose sums are all cells of all
windows. Offsets are flat and count cells, not channels.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np

from normlab._typing import IntArray

Pair: TypeAlias = tuple[int, int]


class Windows(NamedTuple):
    """The windows on images of one size."""

    size: Pair  # (height, width) of a window
    stride: Pair  # steps between windows, down and across
    before: Pair  # rows above the image, columns left of it, that windows reach into
    output: Pair  # how many windows there are, down and across
    image: Pair  # (height, width) of an image


class Layout(NamedTuple):
    """Windows on a canvas."""

    canvas: Pair  # (height, width)
    corner: Pair  # where the first pixel of the image lies; what does not fit is cut off
    places: IntArray  # (n_windows,), of the first cell of each window
    taps: IntArray  # (n_taps,), of each cell of a window from its first


class Phase(NamedTuple):
    """Pixels of the input that the same taps reach, as windows on the output."""

    layout: Layout  # of the output on its canvas, a window for each of the pixels
    pixels: IntArray  # (n_windows,), of the input image
    taps: tuple[slice, slice]  # those taps, in the order of the layout's


class Line(NamedTuple):
    """One direction of a phase: rows, or columns."""

    length: int  # of the canvas
    corner: int
    places: IntArray
    n_taps: int
    pixels: IntArray
    taps: slice


@lru_cache(maxsize=16)
def input_layout(w: Windows) -> Layout:
    """Return the windows on the input: each begins a stride behind the one before."""
    (height, width), (down, across) = w.output, w.stride
    canvas = (height - 1) * down + w.size[0], (width - 1) * across + w.size[1]
    places = _flat(np.arange(height) * down, np.arange(width) * across, canvas[1])
    taps = _flat(np.arange(w.size[0]), np.arange(w.size[1]), canvas[1])
    return Layout(canvas, w.before, places, taps)


@lru_cache(maxsize=16)
def phases(w: Windows) -> tuple[Phase, ...]:
    """Return the pixels of the input by the taps that reach them, stride x stride kinds at most.

    Pixel i is under tap k of window o where o stride + k = i + before: the taps k that leave the
    remainder of (i + before) / stride, each from one window further back than the tap before.
    """
    downs, acrosses = ([*_lines(w, direction)] for direction in range(2))
    return tuple(_phase(down, across, w.image[1]) for down, across in product(downs, acrosses))


def _lines(w: Windows, d: int) -> Iterator[Line]:
    """Yield the phases of direction d; pixels that no tap reaches are in none."""
    size, stride, before, image = w.size[d], w.stride[d], w.before[d], w.image[d]
    for remainder in range(min(size, stride)):
        pixels = np.arange((remainder - before) % stride, image, stride)
        if len(pixels):
            windows = (pixels + before) // stride  # the last that reach each pixel
            last = (size - 1 - remainder) // stride  # tap of this phase, first in the canvas
            stop = remainder - 1 if remainder else None
            taps = slice(remainder + last * stride, stop, -stride)
            length = int(windows[-1] - windows[0]) + last + 1
            corner = last - int(windows[0])
            yield Line(length, corner, windows - windows[0], last + 1, pixels, taps)


def _phase(down: Line, across: Line, image_width: int) -> Phase:
    canvas = down.length, across.length
    layout = Layout(
        canvas,
        (down.corner, across.corner),
        _flat(down.places, across.places, canvas[1]),
        _flat(np.arange(down.n_taps), np.arange(across.n_taps), canvas[1]),
    )
    pixels = _flat(down.pixels, across.pixels, image_width)
    return Phase(layout, pixels, (down.taps, across.taps))


def _flat(downs: IntArray, acrosses: IntArray, width: int) -> IntArray:
    offsets: IntArray = (downs[:, np.newaxis] * width + acrosses).reshape(-1)
    offsets.flags.writeable = False  # the caches hand it out again
    return offsets
