"""Convolution of images: forward and backward.

Shapes: ``x`` is ``(n, height, width, n_inputs)``, ``weight`` ``(kh, kw, n_inputs, n_outputs)``,
``bias`` ``(n_outputs,)``, ``y`` and ``dy`` ``(n, out_height, out_width, n_outputs)``; all
C-contiguous, of one dtype. With strides s, t, paddings p, q and x as if it were 0 outside the
image::

    y[i, j]        = bias + sum over u, v of x[i s + u - p, j t + v - q] weight[u, v]

    dx[i, j]       = sum of dy[(i + p - u) / s, (j + q - v) / t] weight[u, v]^T
                     over those u, v where both divisions leave no remainder
    d_weight[u, v] = sum over i, j of x[i s + u - p, j t + v - q]^T dy[i, j]
    d_bias         = sum over i, j of dy[i, j]

(This is the cross-correlation that the field calls convolution.) Each is a product with the matrix
of all windows, kh kw times as large as the images. It is never built: some images at a time are
laid on a canvas, and ``kernels.gathered_product`` finds their windows there. dx takes a product for
each of its phases (``kernels.windows``).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import compiled
from normlab.kernels.gathered_product import gathered_product, is_panel, packed
from normlab.kernels.threads import in_parallel, n_threads
from normlab.kernels.windows import Layout, Pair, Windows, input_layout, phases

Shape: TypeAlias = tuple[int, int, int, int]

GROUP_WINDOWS = 1024
"""Windows a product: so many images are laid out together."""

GROUP_CELLS = 2**18
"""Elements of their canvases, at most, unless one image has more: 1 MB, the second-level cache."""

FEWEST_TAPS = 64
"""Rows of a weight's gradient for which packing dy pays."""

PARALLEL_PRODUCTS = 2**24
"""Multiplications from which on threads pay."""


def forward(
    x: FloatArray, weight: FloatArray, bias: FloatArray | None, windows: Windows
) -> FloatArray:
    """Return y; no bias when it is None."""
    n_outputs = weight.shape[3]
    y = np.empty((len(x), *windows.output, n_outputs), x.dtype)
    start = np.zeros(n_outputs, x.dtype) if bias is None else bias
    pixels = np.arange(windows.output[0] * windows.output[1])
    _multiply(x, input_layout(windows), weight.reshape(-1, n_outputs), start, y, pixels)
    return y


def backward_input(dy: FloatArray, weight: FloatArray, windows: Windows) -> FloatArray:
    """Return dx."""
    n_inputs = weight.shape[2]
    dx = np.zeros((len(dy), *windows.image, n_inputs), dy.dtype)  # 0 where no window reaches
    start = np.zeros(n_inputs, dy.dtype)
    for phase in phases(windows):
        turned = np.ascontiguousarray(weight[phase.taps].swapaxes(2, 3))
        _multiply(dy, phase.layout, turned.reshape(-1, n_inputs), start, dx, phase.pixels)
    return dx


def backward_weight(dy: FloatArray, x: FloatArray, windows: Windows) -> FloatArray:
    """Return d_weight."""
    n_inputs, n_outputs = x.shape[3], dy.shape[3]
    layout = input_layout(windows)
    canvases = _canvases(x, layout)
    places, taps = _on_each(layout.places, canvases), _with_channels(layout.taps, n_inputs)
    d_weight = np.zeros((*windows.size, n_inputs, n_outputs), x.dtype)
    rows, out, out_row = dy.reshape(-1, n_outputs), d_weight.reshape(-1), np.arange(len(taps))
    images = _read_only(x)

    def task(start: int, stop: int) -> None:
        part = taps[start:stop], out_row[start:stop] * n_outputs
        zeros = np.zeros(canvases, x.dtype)
        _add_weight_gradient(images, zeros, layout.corner, places, rows, out, *part)

    _share_out(task, len(taps), len(taps) * dy.size, n_parts=n_threads())
    return d_weight


def backward_bias(dy: FloatArray) -> FloatArray:
    """Return d_bias; image by image first, so that float32 sums stay short."""
    n, height, width, n_outputs = dy.shape
    ones = np.ones(height * width, dy.dtype)  # a product with them: an eighth of the time of sum
    d_bias: FloatArray = (ones @ dy.reshape(n, height * width, n_outputs)).sum(axis=0)
    return d_bias


def _multiply(
    images: FloatArray,
    layout: Layout,
    b: FloatArray,
    start: FloatArray,
    out: FloatArray,
    pixels: IntArray,
) -> None:
    """Set the pixels of ``out`` to ``start`` plus the products of all windows on images with b."""
    canvases = _canvases(images, layout)
    places, taps = _on_each(layout.places, canvases), _with_channels(layout.taps, canvases[3])
    n_pixels, n_columns = out.shape[1] * out.shape[2], b.shape[1]
    out_row = np.arange(canvases[0])[:, np.newaxis] * n_pixels + pixels
    out_row, panels = out_row.reshape(-1) * n_columns, packed(b, 0, n_columns)
    images = _read_only(images)

    def task(first: int, stop: int) -> None:
        n_images = min(canvases[0], stop - first)
        zeros = np.zeros((n_images, *canvases[1:]), images.dtype)
        n_rows = n_images * len(layout.places)
        part = images[first:stop], zeros, layout.corner, places[:n_rows], taps, panels, start
        _multiply_images(*part, out[first:stop], out_row[:n_rows])

    work = len(images) * len(pixels) * b.size
    _share_out(task, len(images), work, n_parts=4 * n_threads())


def _canvases(images: FloatArray, layout: Layout) -> Shape:
    """Return the shape of the canvases of a group of images."""
    height, width = layout.canvas
    n_images = min(
        len(images),
        -(-GROUP_WINDOWS // len(layout.places)),
        GROUP_CELLS // (height * width * images.shape[3]),
    )
    return max(1, n_images), height, width, images.shape[3]


def _on_each(places: IntArray, canvases: Shape) -> IntArray:
    """Return the first cells of the windows on all canvases, counting channels."""
    n_images, height, width, n_channels = canvases
    starts = np.arange(n_images)[:, np.newaxis] * (height * width)
    return ((starts + places) * n_channels).reshape(-1)


def _read_only(images: FloatArray) -> FloatArray:
    """Return a view, so that kernels are compiled once for images that may be written and not."""
    view = images.view()
    view.flags.writeable = False
    return view


def _with_channels(taps: IntArray, n_channels: int) -> IntArray:
    return (taps[:, np.newaxis] * n_channels + np.arange(n_channels)).reshape(-1)


def _share_out(task: Callable[[int, int], None], n: int, work: int, n_parts: int) -> None:
    """Call ``task(start, stop)`` for parts of n, on all threads where there is much to do."""
    if n_threads() == 1 or work < PARALLEL_PRODUCTS:
        n_parts = 1
    size = max(1, -(-n // n_parts))
    in_parallel(lambda i: task(i * size, min(n, (i + 1) * size)), -(-n // size))


@compiled
def _multiply_images(
    images: FloatArray,
    canvases: FloatArray,
    corner: Pair,
    places: IntArray,
    taps: IntArray,
    panels: FloatArray,
    start: FloatArray,
    out: FloatArray,
    out_row: IntArray,
) -> None:
    n, start_row = out.shape[3], np.zeros_like(out_row)
    for first in range(0, len(images), len(canvases)):
        group = images[first : first + len(canvases)]
        _lay(group, canvases, corner)
        n_rows = places.size // len(canvases) * len(group)
        gathered_product(
            canvases.reshape(-1),
            places[:n_rows],
            taps,
            panels,
            n,
            start,
            start_row[:n_rows],
            out[first : first + len(group)].reshape(-1),
            out_row[:n_rows],
        )


@compiled
def _add_weight_gradient(
    x: FloatArray,
    canvases: FloatArray,
    corner: Pair,
    places: IntArray,
    dy: FloatArray,
    out: FloatArray,
    taps: IntArray,
    out_row: IntArray,
) -> None:
    n, n_windows = dy.shape[1], places.size // len(canvases)
    unpacked = taps.size < FEWEST_TAPS and is_panel(dy)
    for first in range(0, len(x), len(canvases)):
        group = x[first : first + len(canvases)]
        _lay(group, canvases, corner)
        windows = places[: n_windows * len(group)]
        upstream = dy[first * n_windows : first * n_windows + windows.size]
        panels = upstream.reshape(-1) if unpacked else packed(upstream, 0, n)
        gathered_product(canvases.reshape(-1), taps, windows, panels, n, out, out_row, out, out_row)


@compiled
def _lay(images: FloatArray, canvases: FloatArray, corner: Pair) -> None:
    # Always on the same cells: those around them stay 0.
    n, height, width, n_channels = images.shape
    for image in range(n):
        for i in range(max(0, -corner[0]), min(height, canvases.shape[1] - corner[0])):
            for j in range(max(0, -corner[1]), min(width, canvases.shape[2] - corner[1])):
                for c in range(n_channels):
                    canvases[image, corner[0] + i, corner[1] + j, c] = images[image, i, j, c]
