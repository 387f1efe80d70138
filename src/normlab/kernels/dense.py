"""The affine map of rows: forward and backward.

Shapes: ``x`` is ``(m, n_inputs)``, ``weight`` ``(n_inputs, n_outputs)``, ``bias``
``(n_outputs,)``, ``y`` and ``dy`` ``(m, n_outputs)``.

Compiled code has ``x`` flat, with element (i, j) at ``row[i] + column[j]``, and ``used``, in order:
the numbers of its columns but of some that are 0 in all rows. Of MNIST's pixels a third is, in a
batch of 100, and is left out of the products: a fifth off the time of a training. Of what is left,
``picks`` say which terms are not 0; see there. (What is not finite in the other factor comes
through all the same: 0 does not cancel it.)

Forward: ``y = x weight + bias``. Backward::

    dx       = dy weight^T
    d_weight = x^T dy
    d_bias   = sum(dy)
"""

from typing import Any

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._compile import compiled, compiled_within, merged
from normlab.kernels._team import HELPERS, share_out
from normlab.kernels.columns import (
    blocks,
    is_finite,
    others,
    taken,
    times,
    used_columns,
)
from normlab.kernels.gathered_product import gathered_product, packed, packed_transposed
from normlab.kernels.picked_product import GROUP, are_finite, packed_product, picked_product
from normlab.kernels.picks import NO_COLUMNS, NO_ROWS
from normlab.kernels.threads import MULTIPLICATIONS, in_team

LARGE_WEIGHT = 2**20
"""Elements of a weight that does not stay in a core's cache, and is read as it lies."""

PART_COLUMNS = 1024
"""Columns of the weight that a thread takes at a time, at most: packed, a block of them stays in
the second-level cache. Long pieces of the weight's rows are read faster than short ones."""

PANEL = 64
"""Columns of a panel: parts are so many, or a multiple."""

PART_ROWS = 48
"""Rows of a product that a thread takes at a time: whole blocks."""

PART_GROUPS = PART_ROWS // GROUP

FEWEST_ROWS = 16
"""Below that, BLAS is faster: the time goes into reading the weight. Above, ours takes 0.75 to 1.2
of its time, and BLAS's own threads would go on spinning."""


FEWEST_COLUMNS = 256
"""Below that, to look for columns of 0 takes longer than it saves: behind a ReLU there are few."""


def forward(x: FloatArray, weight: FloatArray, bias: FloatArray | None) -> FloatArray:
    """Return x weight + bias; no bias when it is None."""
    if len(x) < FEWEST_ROWS:
        return x @ weight if bias is None else x @ weight + bias
    x, weight = np.ascontiguousarray(x), np.ascontiguousarray(weight)
    y = arrays.empty((len(x), weight.shape[1]), x.dtype)
    start = np.zeros(weight.shape[1], x.dtype) if bias is None else bias
    size = y.size * len(weight) // MULTIPLICATIONS
    in_team(forward_into, size, *laid_out(x), *NO_COLUMNS, weight, start, y)
    return y


def backward_input(dy: FloatArray, weight: FloatArray) -> FloatArray:
    """Return dx."""
    if len(dy) < FEWEST_ROWS:
        small: FloatArray = dy @ weight.T
        return small
    dy, weight = np.ascontiguousarray(dy), np.ascontiguousarray(weight)
    dx = arrays.empty((len(dy), len(weight)), dy.dtype)
    in_team(backward_input_into, dy.size * len(weight) // MULTIPLICATIONS, dy, weight, dx)
    return dx


def backward_parameters(
    dy: FloatArray, x: FloatArray, *, bias: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Return d_weight and d_bias, or None where there is no bias."""
    if len(x) < FEWEST_ROWS:
        return x.T @ dy, dy.sum(axis=0) if bias else None
    dy, x = np.ascontiguousarray(dy), np.ascontiguousarray(x)
    d_weight = arrays.empty((x.shape[1], dy.shape[1]), x.dtype)
    d_bias = np.empty(dy.shape[1] if bias else 0, dy.dtype)
    size = x.size * dy.shape[1] // MULTIPLICATIONS
    in_team(backward_parameters_into, size, dy, *laid_out(x), *NO_ROWS, d_weight, d_bias)
    return d_weight, d_bias if bias else None


def laid_out(x: FloatArray) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
    """Return rows, C-contiguous, as compiled code has them: flat, ``row``, ``column``, ``used``."""
    n, n_inputs = x.shape
    column = np.arange(n_inputs)
    used = used_columns(arrays.read_only(x)) if n_inputs >= FEWEST_COLUMNS else column
    return arrays.read_only(x.reshape(-1)), np.arange(n) * n_inputs, column, used


@compiled
def forward_into(
    team: IntArray,
    x: FloatArray,
    row: IntArray,
    column: IntArray,
    used: IntArray,
    picks: IntArray,
    ends: IntArray,
    weight: FloatArray,
    start: FloatArray,
    y: FloatArray,
) -> None:
    """Set y, which begins from ``start``; see ``picks.picked_columns``."""
    # In parts of columns: a part of the weight is packed at once. (As weight^T x^T the sums would
    # walk down the columns of the weight: three times as slow where its rows lie whole pages
    # apart.)
    n, n_threads = weight.shape[1], team[HELPERS] + 1
    columns = min(PART_COLUMNS, -(-n // (n_threads * PANEL)) * PANEL)
    flat, out = weight.reshape(-1), y.reshape(-1)
    if used.size < len(weight):
        if not is_finite(flat, times(others(used, len(weight)), n), n):
            used, picks = np.arange(len(weight)), picks[:0]
        elif used.size == 0:
            used, picks = np.zeros(1, np.int64), picks[:0]  # or y would not be set
    b_row, block = times(used, n), blocks(used)
    product = x, row, taken(column, used), flat, b_row, block, start, out, _begins(y), picks, ends
    share_out(team, -(-n // columns), _multiply_columns, (product, n, columns))


@compiled
def backward_input_into(team: IntArray, dy: FloatArray, weight: FloatArray, dx: FloatArray) -> None:
    """Set dx."""
    n_inputs, n = weight.shape
    if weight.size >= LARGE_WEIGHT:
        _backward_input_of_large(team, dy, weight, dx)
    else:
        panels, start = packed_transposed(weight), np.zeros(n_inputs, dy.dtype)
        _multiply(team, dy.reshape(-1), _begins(dy), np.arange(n), panels, start, dx, _begins(dx))


@merged
def _backward_input_of_large(
    team: IntArray, dy: FloatArray, weight: FloatArray, dx: FloatArray
) -> None:
    # As (weight dy^T)^T: the rows of the weight are read as they lie.
    n_inputs, n = weight.shape
    panels, start = packed_transposed(dy), np.zeros(len(dy), dy.dtype)
    turned = np.empty((n_inputs, len(dy)), dy.dtype)
    a, row, col = weight.reshape(-1), _begins(weight), np.arange(n)
    _multiply(team, a, row, col, panels, start, turned, _begins(turned))
    share_out(team, len(dx), _transpose, (turned, dx))


@compiled
def backward_parameters_into(
    team: IntArray,
    dy: FloatArray,
    x: FloatArray,
    row: IntArray,
    column: IntArray,
    used: IntArray,
    picks: IntArray,
    counts: IntArray,
    d_weight: FloatArray,
    d_bias: FloatArray,
) -> None:
    """Set d_weight, and d_bias, of size 0 where there is no bias; see ``picks.pick_rows``."""
    n_inputs, n = d_weight.shape
    panels, start = packed(dy.reshape(-1), _begins(dy), n), np.zeros(n, dy.dtype)
    if (used.size < n_inputs or len(picks) > 0) and not are_finite(panels):
        used, picks = np.arange(n_inputs), picks[:0]
    if len(picks) > 0:
        n_groups = n_inputs // GROUP
        to = start, np.zeros(n_inputs, np.int64), d_weight.reshape(-1), _begins(d_weight)
        product = x, column, row, panels, n, to, picks, counts
        share_out(team, -(-n_groups // PART_GROUPS), _multiply_groups, (product, n_groups))
        used = np.arange(n_groups * GROUP, n_inputs)
    else:
        for j in others(used, n_inputs):
            d_weight[j] = 0.0
    _multiply(team, x, taken(column, used), row, panels, start, d_weight, times(used, n))
    for j in range(d_bias.size):
        d_bias[j] = 0.0
    for i in range(len(dy)):
        for j in range(d_bias.size):
            d_bias[j] += dy[i, j]


@compiled_within
def _begins(a: FloatArray) -> IntArray:
    """Return where the rows of ``a`` begin."""
    return times(np.arange(len(a)), a.shape[1])


@merged
def _multiply(
    team: IntArray,
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    panels: FloatArray,
    start: FloatArray,
    out: FloatArray,
    out_row: IntArray,
) -> None:
    """Set rows of ``out`` to ``start`` plus a product, in parts of rows."""
    product = a, row, col, panels, out.shape[1], start, np.zeros_like(row), out.reshape(-1), out_row
    share_out(team, -(-row.size // PART_ROWS), _multiply_rows, (product,))


@compiled_within
def _multiply_rows(product: Any, first: int, stop: int) -> None:
    a, row, col, panels, n, start, start_row, out, out_row = product
    part = slice(first * PART_ROWS, stop * PART_ROWS)
    gathered_product(a, row[part], col, panels, n, start, start_row[part], out, out_row[part])


@compiled_within
def _multiply_groups(product: Any, n_groups: int, begin: int, end: int) -> None:
    a, row, col, panels, n, (start, start_row, out, out_row), picks, counts = product
    groups = slice(begin * PART_GROUPS, min(end * PART_GROUPS, n_groups))
    rows = slice(groups.start * GROUP, groups.stop * GROUP)
    first = np.arange(groups.start, groups.stop) * col.size
    own = start_row[rows], out, out_row[rows], picks, first, counts[groups]
    picked_product(a, row[rows], col, panels, n, 0, start, *own)


@compiled_within
def _multiply_columns(product: Any, n: int, columns: int, first: int, stop: int) -> None:
    a, row, col, b, b_row, block, start, out, out_row, picks, ends = product
    for begin in range(first * columns, min(n, stop * columns), columns):
        n_own = min(columns, n - begin)
        own_b, own_start, own_out = b[begin:], start[begin:], out[begin:]
        packed_product(
            a, row, col, own_b, b_row, block, n_own, own_start, own_out, out_row, picks, ends
        )


@compiled_within
def _transpose(a: FloatArray, out: FloatArray, first: int, stop: int) -> None:
    # A line of the cache of each row of a at a time, until all of its elements have been taken.
    for begin in range(0, len(a), 16):
        for i in range(first, stop):
            for j in range(begin, min(len(a), begin + 16)):
                out[i, j] = a[j, i]
