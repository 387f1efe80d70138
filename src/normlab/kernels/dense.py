"""The affine map of rows: forward and backward.

Shapes: ``x`` is ``(m, n_inputs)``, ``weight`` ``(n_inputs, n_outputs)``, ``bias``
``(n_outputs,)``, ``y`` and ``dy`` ``(m, n_outputs)``.

Forward: ``y = x weight + bias``. Backward::

    dx       = dy weight^T
    d_weight = x^T dy
    d_bias   = sum(dy)
"""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._team import shared_out
from normlab.kernels.gathered_product import gathered_product, packed, packed_product
from normlab.kernels.threads import MULTIPLICATIONS, in_parallel, n_threads

LARGE_WEIGHT = 2**20
"""Elements of a weight that does not stay in a core's cache. Its products are ours: at a batch of
50 they take 0.75 to 1.2 of the time of BLAS, whose threads would go on spinning too."""

PART_COLUMNS = 1024
"""Columns of the weight that a thread takes at a time, at most: packed, a block of them stays in
the second-level cache. Long pieces of the weight's rows are read faster than short ones."""

PANEL = 64
"""Columns of a panel: parts are so many, or a multiple."""

PART_ROWS = 192
"""Rows of a product that a thread takes at a time: whole blocks, which stay in the cache until all
their columns are there."""

FEWEST_ROWS = 16
"""Below that, BLAS is faster: the time goes into reading the weight."""


def forward(x: FloatArray, weight: FloatArray, bias: FloatArray | None) -> FloatArray:
    """Return x weight + bias; no bias when it is None."""
    y = _large_forward(x, weight) if _is_large(x, weight.size) else x @ weight
    if bias is not None:
        y += bias
    return y


def backward_input(dy: FloatArray, weight: FloatArray) -> FloatArray:
    """Return dx."""
    dx: FloatArray = _large_input(dy, weight) if _is_large(dy, weight.size) else dy @ weight.T
    return dx


def backward_weight(dy: FloatArray, x: FloatArray) -> FloatArray:
    """Return d_weight."""
    large = _is_large(x, x.shape[1] * dy.shape[1])
    d_weight: FloatArray = _product(x.T, dy) if large else x.T @ dy
    return d_weight


def backward_bias(dy: FloatArray) -> FloatArray:
    """Return d_bias."""
    d_bias: FloatArray = dy.sum(axis=0)
    return d_bias


def _is_large(rows: FloatArray, weight_size: int) -> bool:
    return weight_size >= LARGE_WEIGHT and len(rows) >= FEWEST_ROWS


def _large_forward(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Return x weight, in parts of columns on all threads: a part of the weight is packed at once.

    (As weight^T x^T the sums would walk down the columns of the weight: three times as slow where
    its rows lie whole pages apart.)
    """
    x, weight = np.ascontiguousarray(x), np.ascontiguousarray(weight)
    m, n_k = x.shape
    n = weight.shape[1]
    y, row, col = arrays.empty((m, n), x.dtype), np.arange(m) * n_k, np.arange(n_k)
    columns = min(PART_COLUMNS, -(-n // (n_threads() * PANEL)) * PANEL)
    in_parallel(
        _multiply_columns,
        -(-n // columns),
        m * weight.size // MULTIPLICATIONS,
        x.reshape(-1),
        row,
        col,
        weight,
        columns,
        y.reshape(-1),
        np.arange(m) * n,
    )
    return y


def _large_input(dy: FloatArray, weight: FloatArray) -> FloatArray:
    """Return dy weight^T as (weight dy^T)^T: the rows of the weight are read as they lie."""
    return _transposed(_product(weight, _transposed(dy)))


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return a b, in parts of rows on all threads; a, the larger factor, is not packed."""
    if not (a.flags.c_contiguous or a.flags.f_contiguous):
        a = np.ascontiguousarray(a)
    m, n_k = a.shape
    down, across = (stride // a.itemsize for stride in a.strides)
    row, col = np.arange(m) * down, np.arange(n_k) * across
    flat = a.reshape(-1) if a.flags.c_contiguous else a.T.reshape(-1)
    n = b.shape[1]
    panels, start = packed(np.ascontiguousarray(b), 0, n), np.zeros(n, a.dtype)
    out, out_row, start_row = arrays.empty((m, n), a.dtype), np.arange(m) * n, np.zeros(m, int)

    in_parallel(
        _multiply_rows,
        -(-m // PART_ROWS),
        m * b.size // MULTIPLICATIONS,
        flat,
        row,
        col,
        panels,
        n,
        start,
        start_row,
        out.reshape(-1),
        out_row,
    )
    return out


def _transposed(a: FloatArray) -> FloatArray:
    out = arrays.empty((a.shape[1], a.shape[0]), a.dtype)
    in_parallel(_transpose, len(out), a.size, a, out)
    return out


@shared_out
def _transpose(a: FloatArray, out: FloatArray, first: int, stop: int) -> None:
    # A line of the cache of each row of a at a time, until all of its elements have been taken.
    for begin in range(0, len(a), 16):
        for i in range(first, stop):
            for j in range(begin, min(len(a), begin + 16)):
                out[i, j] = a[j, i]


@shared_out
def _multiply_columns(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    b: FloatArray,
    columns: int,
    out: FloatArray,
    out_row: IntArray,
    first: int,
    stop: int,
) -> None:
    for i in range(first, stop):
        begin = i * columns
        end = min(b.shape[1], begin + columns)
        packed_product(a, row, col, b, begin, end, out[begin:], out_row)


@shared_out
def _multiply_rows(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    panels: FloatArray,
    n: int,
    start: FloatArray,
    start_row: IntArray,
    out: FloatArray,
    out_row: IntArray,
    first: int,
    stop: int,
) -> None:
    for i in range(first, stop):
        part = slice(i * PART_ROWS, (i + 1) * PART_ROWS)
        gathered_product(a, row[part], col, panels, n, start, start_row[part], out, out_row[part])
