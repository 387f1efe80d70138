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

from math import prod
from typing import TypeAlias

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._compile import compiled
from normlab.kernels._team import shared_out
from normlab.kernels.gathered_product import gathered_product, is_panel, offsets, packed
from normlab.kernels.threads import MULTIPLICATIONS, WAKE, in_parallel, n_threads
from normlab.kernels.windows import Layout, Pair, Windows, input_layout, phases

Shape: TypeAlias = tuple[int, int, int, int]

GROUP_WINDOWS = 1024
"""Windows a product: so many images are laid out together."""

GROUP_CELLS = 2**18
"""Elements of their canvases, at most, unless one image has more: 1 MB, the second-level cache."""

FEWEST_TAPS = 64
"""Rows of a weight's gradient for which packing dy pays."""

PARALLEL_PRODUCTS = WAKE * MULTIPLICATIONS
"""Multiplications from which on threads pay: with fewer, images in pieces gain nothing."""

PIECES_A_THREAD = 4
"""Pieces that the images are cut into, so that no thread waits long for one that is held up."""

WEIGHT_SUMS = 4
"""Sums that a weight's gradient is made of, each over a part of the images. Where they would be
larger than the images there is one, and threads take parts of it."""


def forward(
    x: FloatArray, weight: FloatArray, bias: FloatArray | None, windows: Windows
) -> FloatArray:
    """Return y; no bias when it is None."""
    n_outputs = weight.shape[3]
    y = arrays.empty((len(x), *windows.output, n_outputs), x.dtype)
    start = np.zeros(n_outputs, x.dtype) if bias is None else bias
    pixels = arrays.read_only(np.arange(prod(windows.output)))
    _multiply(x, input_layout(windows), weight.reshape(-1, n_outputs), start, y, pixels)
    return y


def backward_input(dy: FloatArray, weight: FloatArray, windows: Windows) -> FloatArray:
    """Return dx."""
    n_inputs = weight.shape[2]
    dx = arrays.empty((len(dy), *windows.image, n_inputs), dy.dtype)
    if sum(len(phase.pixels) for phase in phases(windows)) < prod(windows.image):
        dx[...] = 0  # where no window reaches
    start = np.zeros(n_inputs, dy.dtype)
    for phase in phases(windows):
        turned = np.ascontiguousarray(weight[phase.taps].swapaxes(2, 3))
        _multiply(dy, phase.layout, turned.reshape(-1, n_inputs), start, dx, phase.pixels)
    return dx


def backward_weight(dy: FloatArray, x: FloatArray, windows: Windows) -> FloatArray:
    """Return d_weight."""
    n_inputs, n_outputs = x.shape[3], dy.shape[3]
    if len(x) == 0:
        return np.zeros((*windows.size, n_inputs, n_outputs), x.dtype)
    layout = input_layout(windows)
    canvases = _canvases(x, layout)
    n_taps = len(layout.taps) * n_inputs
    n_products = n_taps * dy.size
    large = n_products >= PARALLEL_PRODUCTS
    few_images = x.size + dy.size < WEIGHT_SUMS * n_taps * n_outputs
    n_sums = min(len(x), WEIGHT_SUMS) if large and not few_images else 1
    sums = arrays.empty((n_sums, *windows.size, n_inputs, n_outputs), x.dtype)
    tap_parts = -(-n_threads() // n_sums) if large else 1
    in_parallel(
        _add_weight_gradients,
        n_sums * tap_parts,
        n_products // MULTIPLICATIONS,
        arrays.read_only(x),
        canvases,
        layout.corner,
        layout.places,
        layout.taps,
        dy.reshape(len(x), len(layout.places), n_outputs),
        sums.reshape(n_sums, -1),
        tap_parts,
    )
    d_weight: FloatArray = sums[0] if n_sums == 1 else sums.sum(axis=0)
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
    n_products = len(images) * len(pixels) * b.size
    many = n_threads() > 1 and n_products >= PARALLEL_PRODUCTS
    n_pieces = min(len(images), PIECES_A_THREAD * n_threads() if many else 1)
    in_parallel(
        _multiply_images,
        n_pieces,
        n_products // MULTIPLICATIONS,
        arrays.read_only(images),
        _canvases(images, layout),
        layout.corner,
        layout.places,
        layout.taps,
        packed(b.reshape(-1), np.arange(len(b)) * b.shape[1], b.shape[1]),
        start,
        out,
        pixels,
        n_pieces,
    )


def _canvases(images: FloatArray, layout: Layout) -> Shape:
    """Return the shape of the canvases of a group of images."""
    height, width = layout.canvas
    n_images = min(
        len(images),
        -(-GROUP_WINDOWS // len(layout.places)),
        GROUP_CELLS // (height * width * images.shape[3]),
    )
    return max(1, n_images), height, width, images.shape[3]


@compiled
def _part(n: int, i: int, n_parts: int) -> tuple[int, int]:
    """Return where the i-th of equal parts of n begins and ends."""
    return i * n // n_parts, (i + 1) * n // n_parts


@shared_out
def _multiply_images(
    images: FloatArray,
    canvases: Shape,
    corner: Pair,
    places: IntArray,
    taps: IntArray,
    panels: FloatArray,
    start: FloatArray,
    out: FloatArray,
    pixels: IntArray,
    n_pieces: int,
    first: int,
    stop: int,
) -> None:
    most, height, width, n_channels = canvases
    n, n_windows, cells = out.shape[3], places.size, _with_channels(taps, n_channels)
    row = _on_each(places, most, height * width, n_channels)
    out_row = _on_each(pixels, most, out.shape[1] * out.shape[2], n)
    start_row = offsets(0, row.size, 0)
    for i in range(first, stop):
        begin, end = _part(len(images), i, n_pieces)
        n_images = min(most, end - begin)
        zeros = np.zeros((n_images, height, width, n_channels), images.dtype)
        for image in range(begin, end, n_images):
            group = images[image : min(end, image + n_images)]
            _lay(group, zeros, corner)
            n_rows = n_windows * len(group)
            gathered_product(
                zeros.reshape(-1),
                row[:n_rows],
                cells,
                panels,
                n,
                start,
                start_row[:n_rows],
                out[image : image + len(group)].reshape(-1),
                out_row[:n_rows],
            )


@shared_out
def _add_weight_gradients(
    x: FloatArray,
    canvases: Shape,
    corner: Pair,
    places: IntArray,
    taps: IntArray,
    dy: FloatArray,
    sums: FloatArray,
    tap_parts: int,
    first: int,
    stop: int,
) -> None:
    most, height, width, n_channels = canvases
    n_windows, n = dy.shape[1:]
    cells = _with_channels(taps, n_channels)
    windows = _on_each(places, most, height * width, n_channels)
    unpacked = cells.size < FEWEST_TAPS and is_panel(dy[0])
    for i in range(first, stop):
        part, tap_part = divmod(i, tap_parts)
        begin, end = _part(len(x), part, len(sums))
        first_cell, last_cell = _part(cells.size, tap_part, tap_parts)
        own_cells, out = cells[first_cell:last_cell], sums[part]
        out_row = offsets(first_cell * n, last_cell - first_cell, n)
        start, start_row = np.zeros(n, x.dtype), offsets(0, out_row.size, 0)
        n_images = min(most, end - begin)
        zeros = np.zeros((n_images, height, width, n_channels), x.dtype)
        for image in range(begin, end, n_images):
            group = x[image : min(end, image + n_images)]
            _lay(group, zeros, corner)
            own_windows = windows[: n_windows * len(group)]
            upstream = dy[image : image + len(group)].reshape(own_windows.size, n)
            flat = upstream.reshape(-1)
            panels = flat if unpacked else packed(flat, offsets(0, len(upstream), n), n)
            product = own_cells, own_windows, panels, n, start, start_row, out, out_row
            gathered_product(zeros.reshape(-1), *product)
            start, start_row = out, out_row


@compiled
def _on_each(cells: IntArray, n_images: int, image_cells: int, n_channels: int) -> IntArray:
    """Return those cells of each of some images or canvases in a row, counting channels."""
    found = np.empty(n_images * cells.size, np.int64)
    for image in range(n_images):
        for i in range(cells.size):
            found[image * cells.size + i] = (image * image_cells + cells[i]) * n_channels
    return found


@compiled
def _with_channels(taps: IntArray, n_channels: int) -> IntArray:
    """Return all channels of those cells."""
    found = np.empty(taps.size * n_channels, np.int64)
    for i in range(found.size):
        found[i] = taps[i // n_channels] * n_channels + i % n_channels
    return found


@compiled
def _lay(images: FloatArray, canvases: FloatArray, corner: Pair) -> None:
    # Always on the same cells: those around them stay 0.
    n, height, width, n_channels = images.shape
    for image in range(n):
        for i in range(max(0, -corner[0]), min(height, canvases.shape[1] - corner[0])):
            for j in range(max(0, -corner[1]), min(width, canvases.shape[2] - corner[1])):
                for c in range(n_channels):
                    canvases[image, corner[0] + i, corner[1] + j, c] = images[image, i, j, c]
