"""Pooling of images: of the cells that a window covers, the greatest or the mean.

Shapes: ``x``, ``dx`` are ``(n, height, width, channels)``, ``y`` and ``dy`` ``(n, down, across,
channels)``: a value for each window and channel. What lies outside the image is no cell of a
window; every window has a cell.

=======  ===================  ================================================
pooling  forward              backward: dx sums, over the windows of a cell,
=======  ===================  ================================================
maximum  y = max(cells)       dy, where the cell is the window's winner
average  y = sum(cells) / k   dy / k
=======  ===================  ================================================

Here k is the number of the window's cells. The winner is the first of equal cells, row by row; NaN
wins over every number, and of several the last. A cell that no window covers has gradient 0.

The innermost loops run over the channels, which lie next to each other: on whole vectors.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._compile import compiled
from normlab.kernels._team import shared_out
from normlab.kernels.batch_norm_loops import normalized
from normlab.kernels.threads import in_parallel
from normlab.kernels.windows import Windows

Winners: TypeAlias = NDArray[np.unsignedinteger[Any]]


def max_forward(
    x: FloatArray, windows: Windows, terms: FloatArray | None = None
) -> tuple[FloatArray, Winners]:
    """Return y, and for each of its values the winner's number in the window, row by row.

    The numbers have the smallest type that holds them all: up to 16 x 16 cells, a byte.

    With the terms of a normalization (``kernels.batch_norm``), the maxima are those of x normalized
    and with a ReLU behind it, bit for bit. That is never stored: half of the time, and less memory.
    """
    x = np.ascontiguousarray(x)
    y = arrays.empty((len(x), *windows.output, x.shape[3]), x.dtype)
    winner = np.empty(y.shape, np.min_scalar_type(windows.size[0] * windows.size[1] - 1))
    in_parallel(_max_forward, len(x), x.size, x, y, winner, windows, terms)
    return y, winner


def max_backward(dy: FloatArray, winner: Winners, windows: Windows) -> FloatArray:
    """Return dx."""
    dy, dx = np.ascontiguousarray(dy), _images_like(dy, windows)
    (height, width), (_, image_width) = windows.size, windows.image
    cells = (np.arange(height)[:, np.newaxis] * image_width + np.arange(width)) * dy.shape[3]
    in_parallel(_max_backward, len(dx), dx.size, dy, winner, cells.reshape(-1), dx, windows)
    return dx


def average_forward(x: FloatArray, windows: Windows) -> FloatArray:
    """Return y."""
    x = np.ascontiguousarray(x)
    y = arrays.empty((len(x), *windows.output, x.shape[3]), x.dtype)
    in_parallel(_average_forward, len(x), x.size, x, y, windows)
    return y


def average_backward(dy: FloatArray, windows: Windows) -> FloatArray:
    """Return dx."""
    dy, dx = np.ascontiguousarray(dy), _images_like(dy, windows)
    in_parallel(_average_backward, len(dx), dx.size, dy, dx, windows)
    return dx


def global_average_forward(x: FloatArray) -> FloatArray:
    """Return the means over all cells, ``(n, channels)``, of x ``(n, cells, channels)``."""
    # As a product: BLAS adds several rows at a time, faster and nearer than one after the other.
    y: FloatArray = np.ones(x.shape[1], x.dtype) @ x
    y /= x.shape[1]
    return y


def global_average_backward(dy: FloatArray, n_cells: int) -> FloatArray:
    """Return dx, ``(n, n_cells, channels)``."""
    return np.repeat(dy[:, np.newaxis] / dy.dtype.type(n_cells), n_cells, axis=1)


def _images_like(dy: FloatArray, windows: Windows) -> FloatArray:
    return arrays.empty((len(dy), *windows.image, dy.shape[3]), dy.dtype)


@compiled
def _span(w: Windows, direction: int, position: int) -> tuple[int, int, int]:
    # Where a window begins, and its first cell and the one behind its last in the image.
    begin = position * w.stride[direction] - w.before[direction]
    return begin, max(begin, 0), min(begin + w.size[direction], w.image[direction])


@compiled
def _value(cell: FloatArray, c: int, terms: FloatArray | None) -> Any:
    if terms is None:
        return cell[c]
    return normalized(cell[c], terms[0, c], terms[3, c], terms[4, c], cell.dtype.type(0))


@shared_out
def _max_forward(
    x: FloatArray,
    y: FloatArray,
    winner: Winners,
    w: Windows,
    terms: FloatArray | None,
    first_image: int,
    stop: int,
) -> None:
    number = winner.dtype.type  # with numbers of another type the loops would be slow
    for i in range(first_image, stop):
        for p in range(y.shape[1]):
            above, top, bottom = _span(w, 0, p)
            for q in range(y.shape[2]):
                beside, left, right = _span(w, 1, q)
                best, where, cell = y[i, p, q], winner[i, p, q], x[i, top, left]
                first = number((top - above) * w.size[1] + left - beside)
                for c in range(best.size):
                    best[c] = _value(cell, c, terms)
                    where[c] = first
                for row in range(top, bottom):
                    for column in range(left + (row == top), right):
                        cell = x[i, row, column]
                        k = number((row - above) * w.size[1] + column - beside)
                        for c in range(best.size):
                            value = _value(cell, c, terms)
                            wins = (value > best[c]) | (value != value)
                            best[c] = value if wins else best[c]
                            where[c] = k if wins else where[c]


@shared_out
def _max_backward(
    dy: FloatArray,
    winner: Winners,
    cells: IntArray,
    dx: FloatArray,
    w: Windows,
    first_image: int,
    stop: int,
) -> None:
    # Winners' places differ by channel: one addition each, however large the window.
    for i in range(first_image, stop):
        image = dx[i].reshape(-1)
        for e in range(image.size):
            image[e] = 0.0
        for p in range(dy.shape[1]):
            above, _, _ = _span(w, 0, p)
            for q in range(dy.shape[2]):
                beside, _, _ = _span(w, 1, q)
                corner = (above * w.image[1] + beside) * dx.shape[3]
                slope, where = dy[i, p, q], winner[i, p, q]
                for c in range(slope.size):
                    image[np.uintp(corner + cells[where[c]] + c)] += slope[c]


@shared_out
def _average_forward(x: FloatArray, y: FloatArray, w: Windows, first_image: int, stop: int) -> None:
    for i in range(first_image, stop):
        for p in range(y.shape[1]):
            _, top, bottom = _span(w, 0, p)
            for q in range(y.shape[2]):
                _, left, right = _span(w, 1, q)
                mean, n_cells = y[i, p, q], y.dtype.type((bottom - top) * (right - left))
                for c in range(mean.size):
                    mean[c] = 0.0
                for row in range(top, bottom):
                    for column in range(left, right):
                        cell = x[i, row, column]
                        for c in range(mean.size):
                            mean[c] += cell[c]
                for c in range(mean.size):
                    mean[c] /= n_cells


@shared_out
def _average_backward(
    dy: FloatArray, dx: FloatArray, w: Windows, first_image: int, stop: int
) -> None:
    for i in range(first_image, stop):
        dx[i] = 0.0
        for p in range(dy.shape[1]):
            _, top, bottom = _span(w, 0, p)
            for q in range(dy.shape[2]):
                _, left, right = _span(w, 1, q)
                slope, n_cells = dy[i, p, q], dy.dtype.type((bottom - top) * (right - left))
                for row in range(top, bottom):
                    for column in range(left, right):
                        cell = dx[i, row, column]
                        for c in range(slope.size):
                            cell[c] += slope[c] / n_cells
