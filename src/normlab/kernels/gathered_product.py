"""A matrix product whose left factor is gathered from an array instead of stored.

Shapes: ``a`` is flat; ``row`` is ``(m,)`` and ``col`` ``(n_k,)``, offsets into it; ``b`` is
``(n_k, n)``, packed; ``out`` is flat, with the m rows of the product at ``out_row``, and begins
from ``start``, flat with rows at ``start_row``::

    out[out_row[i] + j] = start[start_row[i] + j] + sum over k of a[row[i] + col[k]] b[k, j]

All three passes of a convolution are such products (``kernels.convolution``): an image and two
tables of offsets stand for the matrix of all its windows, which would be as many times larger as a
window has places. With ``row = i n_k`` and ``col = k`` it is an ordinary product.

Blocked as by Goto & van de Geijn (2008), "Anatomy of High-Performance Matrix Multiplication": all
rows meet a part of b that stays in the cache, packed so that it is read in one run.
"""

from typing import Any

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import by_address, compiled, compiled_within, merged
from normlab.kernels._llvm import VECTOR_BYTES
from normlab.kernels._tile import MOST_VECTORS, NARROW_ROWS, ROWS, tile
from normlab.kernels._vectors import load, store, store_transposed

BLOCK_K = 512
"""So many rows of a panel, at most 128 KB, stay in the second-level cache."""

PACKED_ROWS = 16
"""Rows that are packed together: few, so that they are read nearly as they lie in memory. A tenth
off the product of few rows and 2,048 x 2,048 weights."""

_rows, _row = tile(NARROW_ROWS, NARROW_ROWS, NARROW_ROWS, ROWS), tile(1, 1, 1, 1)


@compiled
def packed(b: FloatArray, row: IntArray, n: int) -> FloatArray:
    """Return n elements of each row of ``b``, which is flat, as panels ``(n_k, width)``.

    ``row`` is ``(n_k,)``, where in ``b`` they begin. The last panel is filled with 0. Panels lie
    behind one another, and where vectors may begin: one that is in two lines of the cache takes
    twice as long to load.
    """
    lanes = VECTOR_BYTES // b.itemsize
    panels = room_for(row.size, n, b.dtype)
    for first in range(0, row.size, PACKED_ROWS):
        rows = row[first : first + PACKED_ROWS]
        j = 0
        while j < n:
            width = panel_vectors(n - j, lanes) * lanes
            _copy(b, rows, j, panels, row.size * j + first * width, width, n - j)
            j += width
    return panels


@merged
def _copy(
    b: FloatArray, row: IntArray, j: int, panels: FloatArray, at: int, width: int, n: int
) -> None:
    # Not a loop over a row's vectors: each knows whether it is whole before the rows begin.
    lanes = VECTOR_BYTES // b.itemsize
    for k in range(row.size):
        source, target = row[k] + j, at + k * width
        store(panels, target, lanes, load(b, source, n))
        if width > lanes:
            store(panels, target + lanes, lanes, load(b, source + lanes, n - lanes))
        if width > 2 * lanes:
            store(panels, target + 2 * lanes, lanes, load(b, source + 2 * lanes, n - 2 * lanes))
        if width > 3 * lanes:
            store(panels, target + 3 * lanes, lanes, load(b, source + 3 * lanes, n - 3 * lanes))


@by_address
def pack_transposed(b: FloatArray, first: int, stop: int, panels: FloatArray) -> None:
    """Set panels of the transpose of columns first to stop of ``b``, ``(n, n_columns)``.

    Behind its last column, the last panel is filled with anything.
    """
    (n, n_columns), n_k, lanes = b.shape, stop - first, VECTOR_BYTES // b.itemsize
    flat = b.reshape(-1)
    for j in range(0, n, lanes):
        panel = j // (MOST_VECTORS * lanes) * (MOST_VECTORS * lanes)
        width = panel_vectors(n - panel, lanes) * lanes
        to = panel * n_k + j - panel
        if n_k < lanes:
            for k in range(n_k):
                for i in range(lanes):
                    panels[to + k * width + i] = b[min(j + i, n - 1), first + k]
        else:
            at = j * n_columns + first
            for begin in range(0, n_k, lanes):
                k = min(begin, n_k - lanes)  # what lies in two squares is written twice
                store_transposed(flat, at + k, n_columns, n - j, panels, to + k * width, width)


@merged
def offsets(first: int, n: int, step: int) -> IntArray:
    """Return n offsets, the first and how far each is behind the one before it."""
    # Numbers that are written in the call are types of their own: each would be compiled again.
    return _offsets(int(first), int(n), int(step))


@compiled_within
def _offsets(first: int, n: int, step: int) -> IntArray:
    found = np.empty(n, np.int64)
    for i in range(n):
        found[i] = first + i * step
    return found


@compiled_within
def room_for(n_k: int, n: int, dtype: Any) -> FloatArray:
    """Return room for panels, which begins where a vector may."""
    room = np.empty(0, dtype)
    lanes = VECTOR_BYTES // room.itemsize
    size = n_k * (-(-n // lanes) * lanes)
    room = np.empty(size + lanes, dtype)
    shift = -(room.ctypes.data // room.itemsize) % lanes
    return room[shift : shift + size]


@compiled
def is_panel(b: FloatArray) -> bool:
    """Return whether ``b`` is one panel as it lies, aligned or not."""
    lanes = VECTOR_BYTES // b.itemsize
    whole: bool = panel_vectors(b.shape[1], lanes) * lanes == b.shape[1]
    return whole


@compiled
def gathered_product(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    panels: FloatArray,
    n: int,
    start: FloatArray,
    start_row: IntArray,
    out: FloatArray,
    out_row: IntArray,
) -> None:
    """Write the product into ``out``; ``panels`` are those of ``b`` with n columns."""
    lanes = VECTOR_BYTES // a.itemsize
    j = 0
    while j < n:
        n_vectors = panel_vectors(n - j, lanes)
        width, panel = n_vectors * lanes, col.size * j
        source, source_row = start, start_row
        for k in range(0, col.size, BLOCK_K):
            n_k, n_own = min(BLOCK_K, col.size - k), min(width, n - j)
            block = j, k, n_k, panel + k * width, n_own, n_vectors
            _block(a, row, col, panels, source, source_row, out, out_row, *block)
            source, source_row = out, out_row
        j += width


@compiled_within
def panel_vectors(n_columns: int, lanes: int) -> int:
    """Return the vectors of the panel of the first of so many columns: no more than they need."""
    n_vectors: int = min(MOST_VECTORS, -(-n_columns // lanes))
    return n_vectors


@compiled_within
def _block(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    b: FloatArray,
    start: FloatArray,
    start_row: IntArray,
    out: FloatArray,
    out_row: IntArray,
    j: int,
    k: int,
    n_k: int,
    panel: int,
    n: int,
    n_vectors: int,
) -> None:
    n_rows = ROWS if n_vectors == 4 else NARROW_ROWS
    whole = row.size // n_rows * n_rows
    arrays = a, row, col, b, start, start_row, out, out_row, col
    for i in range(0, whole, n_rows):
        _rows(*arrays, i, j, k, n_k, panel, n, n_vectors)
    for i in range(whole, row.size):
        _row(*arrays, i, j, k, n_k, panel, n, n_vectors)
