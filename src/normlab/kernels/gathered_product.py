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

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import compiled
from normlab.kernels._tile import MOST_VECTORS, NARROW_ROWS, ROWS, VECTOR_BYTES, tile

BLOCK_K = 512
"""So many rows of a panel, at most 128 KB, stay in the second-level cache."""

WIDE_BLOCK_K = 128
"""So many rows of ``packed_product``'s panels, 512 KB of 1,024 columns, stay there."""

_row_1, _row_2, _row_4 = tile(1, 1), tile(1, 2), tile(1, 4)
_rows_1, _rows_2, _rows_4 = tile(NARROW_ROWS, 1), tile(NARROW_ROWS, 2), tile(ROWS, 4)


@compiled
def packed(b: FloatArray, begin: int, end: int) -> FloatArray:
    """Return columns of ``b``, C-contiguous, as panels ``(n_k, width)`` behind one another.

    The last is filled with 0. They lie where vectors may begin: one that is in two lines of the
    cache takes twice as long to load.
    """
    n_k, n = len(b), end - begin
    lanes = VECTOR_BYTES // b.itemsize
    size = n_k * (-(-n // lanes) * lanes)
    room = np.empty(size + lanes, b.dtype)
    shift = -(room.ctypes.data // b.itemsize) % lanes
    panels = room[shift : shift + size]
    for k in range(n_k):  # row by row, as b lies in memory
        j = 0
        while j < n:
            width = _panel_vectors(n - j, lanes) * lanes
            source = b[k, begin + j : min(begin + j + width, end)]
            panel = panels[n_k * j + k * width : n_k * j + (k + 1) * width]
            for i in range(source.size):
                panel[i] = source[i]
            for i in range(source.size, width):
                panel[i] = 0.0
            j += width
    return panels


@compiled
def is_panel(b: FloatArray) -> bool:
    """Return whether ``b`` is one panel as it lies, aligned or not."""
    lanes = VECTOR_BYTES // b.itemsize
    whole: bool = _panel_vectors(b.shape[1], lanes) * lanes == b.shape[1]
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
        n_vectors = _panel_vectors(n - j, lanes)
        width, panel = n_vectors * lanes, col.size * j
        target, target_row, at = out, out_row, j
        source, source_row = start, start_row
        if n - j < width:  # whole vectors would reach beyond the rows
            target, target_row, at = np.zeros(row.size * width, a.dtype), np.arange(row.size), 0
            target_row *= width
            _copy(start, start_row, j, target, target_row, 0, n - j)
            source, source_row = target, target_row
        for k in range(0, col.size, BLOCK_K):
            block = at, k, min(BLOCK_K, col.size - k), panel + k * width, n_vectors
            _block(a, row, col, panels, source, source_row, target, target_row, *block)
            source, source_row = target, target_row
        if n - j < width:
            _copy(target, target_row, 0, out, out_row, j, n - j)
        j += width


@compiled
def packed_product(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    b: FloatArray,
    begin: int,
    end: int,
    out: FloatArray,
    out_row: IntArray,
) -> None:
    """Write the product with columns of ``b``, C-contiguous, into ``out``; it begins from 0.

    They are packed block by block: packed at once, a large b would go to memory and back.
    """
    n, start, start_row = end - begin, np.zeros(end - begin, a.dtype), np.zeros_like(out_row)
    for k in range(0, len(b), WIDE_BLOCK_K):
        part, panels = col[k : k + WIDE_BLOCK_K], packed(b[k : k + WIDE_BLOCK_K], begin, end)
        gathered_product(a, row, part, panels, n, start, start_row, out, out_row)
        start, start_row = out, out_row


@compiled
def _panel_vectors(n_columns: int, lanes: int) -> int:
    # 4, 2 or 1, so that the panels are no wider than the last vector needs.
    n_vectors = -(-n_columns // lanes)
    if n_vectors >= 4 and MOST_VECTORS == 4:
        return 4
    return 2 if n_vectors >= 2 else 1


@compiled
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
    n_vectors: int,
) -> None:
    n_rows = ROWS if n_vectors == 4 else NARROW_ROWS
    whole = row.size // n_rows * n_rows
    for i in range(0, whole, n_rows):
        if n_vectors == 4:
            _rows_4(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)
        elif n_vectors == 2:
            _rows_2(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)
        else:
            _rows_1(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)
    for i in range(whole, row.size):
        if n_vectors == 4:
            _row_4(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)
        elif n_vectors == 2:
            _row_2(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)
        else:
            _row_1(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)


@compiled
def _copy(
    a: FloatArray,
    row: IntArray,
    j: int,
    out: FloatArray,
    out_row: IntArray,
    out_j: int,
    n_columns: int,
) -> None:
    for i in range(row.size):
        for c in range(n_columns):
            out[out_row[i] + out_j + c] = a[row[i] + j + c]
