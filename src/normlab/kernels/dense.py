"""The affine map of rows: forward and backward.

Shapes: ``x`` is ``(m, n_inputs)``, ``weight`` ``(n_inputs, n_outputs)``, ``bias``
``(n_outputs,)``, ``y`` and ``dy`` ``(m, n_outputs)``.

Compiled code has the rows of ``x`` where they lie, from an address on, each from ``row[i]`` on, see
``products``; and ``masks``, which say what of them is not 0, see there: other terms are left out of
the products. (What is not finite in the other factor comes through all the same: 0 does not
cancel it.) ``codes`` are the ``products_of`` these rows.

Forward: ``y = x weight + bias``. Backward::

    dx       = dy weight^T
    d_weight = x^T dy
    d_bias   = sum(dy)
"""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels import arrays
from normlab.kernels._compile import compiled, compiled_within, merged
from normlab.kernels._llvm import VECTOR_BYTES
from normlab.kernels._team import HELPERS, share_out
from normlab.kernels.gathered_product import offsets, packed
from normlab.kernels.masks import (
    GROUP,
    UNKNOWN,
    leave_out_enough,
    masks_of,
    masks_of_columns,
)
from normlab.kernels.picked_product import are_finite
from normlab.kernels.products import (
    COLUMNS,
    GROUPS,
    TRANSPOSED,
    floats_of,
    panels_of,
    products_of,
    shared_product,
)
from normlab.kernels.threads import MULTIPLICATIONS, in_team

LARGE_WEIGHT = 2**20
"""Elements of a weight that does not stay in a core's cache, and is read as it lies."""

PART_COLUMNS = 1024
"""Columns of the weight that a thread takes at a time, at most: long pieces of rows are read faster
than short ones."""

FEWEST_ROWS = 16
"""Below that, BLAS takes less time for a weight that stays in the cache, down to a quarter. Above,
ours takes 0.75 to 1.2 of its time, and BLAS's own threads would go on spinning."""

FEWEST_COLUMNS = 256
"""Below that, to look for what is 0 takes longer than it saves: behind a ReLU it is a half."""


def forward(x: FloatArray, weight: FloatArray, bias: FloatArray | None) -> FloatArray:
    """Return x weight + bias; no bias when it is None."""
    if _is_for_blas(len(x), weight.size):
        return x @ weight if bias is None else x @ weight + bias
    x, weight = np.ascontiguousarray(x), np.ascontiguousarray(weight)
    y = arrays.empty((len(x), weight.shape[1]), x.dtype)
    start = np.zeros(weight.shape[1], x.dtype) if bias is None else bias
    size = y.size * len(weight) // MULTIPLICATIONS
    in_team(forward_into, size, *_looked_at(x), weight, start, y)
    return y


def backward_input(dy: FloatArray, weight: FloatArray) -> FloatArray:
    """Return dx."""
    if _is_for_blas(len(dy), weight.size):
        small: FloatArray = dy @ weight.T
        return small
    dy, weight = np.ascontiguousarray(dy), np.ascontiguousarray(weight)
    dx = arrays.empty((len(dy), len(weight)), dy.dtype)
    size, codes = dy.size * len(weight) // MULTIPLICATIONS, products_of(dy.dtype, None)
    in_team(backward_input_into, size, codes, dy, weight, dx)
    return dx


def backward_parameters(
    dy: FloatArray, x: FloatArray, *, bias: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Return d_weight and d_bias, or None where there is no bias."""
    # (Of one row, a product of one term each, BLAS takes 1.4 to 8 times as long.)
    if len(x) != 1 and _is_for_blas(len(x), x.shape[1] * dy.shape[1]):
        return x.T @ dy, dy.sum(axis=0) if bias else None
    dy, x = np.ascontiguousarray(dy), np.ascontiguousarray(x)
    d_weight = arrays.empty((x.shape[1], dy.shape[1]), x.dtype)
    d_bias = np.empty(dy.shape[1] if bias else 0, dy.dtype)
    size = x.size * dy.shape[1] // MULTIPLICATIONS
    codes, *rows = _looked_at(x)
    in_team(backward_parameters_into, size, codes, dy, *rows, d_weight, d_bias)
    return d_weight, d_bias if bias else None


def _is_for_blas(n_rows: int, n_weights: int) -> bool:
    # Of 2 to 15 rows and a large weight, ours takes 0.3 to 0.65 of the time on one thread; one row
    # BLAS multiplies as a vector, without copying the weight.
    return n_rows <= 1 or (n_rows < FEWEST_ROWS and n_weights < LARGE_WEIGHT)


def laid_out(x: FloatArray) -> tuple[int, IntArray, IntArray]:
    """Return rows, C-contiguous, as compiled code has them: their address, ``row``, ``masks``."""
    n, n_inputs = x.shape
    masks = masks_of(arrays.read_only(x)) if n_inputs >= FEWEST_COLUMNS else UNKNOWN
    return arrays.address(x), np.arange(n) * n_inputs, masks


def _looked_at(x: FloatArray) -> tuple[IntArray, int, IntArray, IntArray]:
    address, row, masks = laid_out(x)
    return products_of(x.dtype, x.dtype if len(masks) > 0 else None), address, row, masks


@compiled
def forward_into(
    team: IntArray,
    codes: IntArray,
    x: int,
    row: IntArray,
    masks: IntArray,
    weight: FloatArray,
    start: FloatArray,
    y: FloatArray,
) -> None:
    """Set y, which begins from ``start``."""
    # In parts of columns: a part of the weight is packed at once. (As weight^T x^T the sums would
    # walk down the columns of the weight: three times as slow where its rows lie whole pages
    # apart.)
    n = weight.shape[1]
    columns = _columns_of_part(team, weight, n)
    to = start, y.reshape(-1), _begins(y)
    product = codes, x, row, weight.reshape(-1), _begins(weight), to
    share_out(team, -(-n // columns), codes[COLUMNS], (product, masks, n, columns))


@compiled_within
def _columns_of_part(team: IntArray, weight: FloatArray, n: int) -> int:
    """Return how many of n columns a thread takes at a time: whole vectors."""
    lanes, n_threads = VECTOR_BYTES // weight.itemsize, team[HELPERS] + 1
    columns: int = min(PART_COLUMNS, -(-max(1, n) // (n_threads * lanes)) * lanes)
    return columns


@compiled
def backward_input_into(
    team: IntArray, codes: IntArray, dy: FloatArray, weight: FloatArray, dx: FloatArray
) -> None:
    """Set dx."""
    if weight.size < LARGE_WEIGHT:  # in parts of columns, as forward: rows of the weight
        columns = _columns_of_part(team, weight, len(weight))
        product = codes, dy, weight, dx
        share_out(team, -(-len(weight) // columns), codes[TRANSPOSED], (product, columns))
        return
    # As (weight dy^T)^T: the rows of the weight are read as they lie.
    begins, out = _begins(weight), np.empty((len(weight), len(dy)), dy.dtype)
    factors = (
        weight.reshape(-1),
        begins,
        offsets(0, dy.shape[1], 1),
        panels_of(codes, dy, 0, dy.shape[1]),
    )
    shared_product(team, codes, factors, np.zeros(len(dy), dy.dtype), out.reshape(-1), _begins(out))
    share_out(team, len(dx), _transpose, (out, dx))


@compiled
def backward_parameters_into(
    team: IntArray,
    codes: IntArray,
    dy: FloatArray,
    x: int,
    row: IntArray,
    masks: IntArray,
    d_weight: FloatArray,
    d_bias: FloatArray,
) -> None:
    """Set d_weight, and d_bias, of size 0 where there is no bias."""
    n_inputs, n = d_weight.shape
    panels, start = packed(dy.reshape(-1), _begins(dy), n), np.zeros(n, dy.dtype)
    out, out_row, n_done = d_weight.reshape(-1), _begins(d_weight), 0
    if len(masks) > 0:
        bits = masks_of_columns(masks, n_inputs)
        if leave_out_enough(bits, len(dy)) and are_finite(panels):
            product = codes, x, row, bits, panels, (start, out, out_row)
            share_out(team, len(bits), codes[GROUPS], (product,))
            n_done = len(bits) * GROUP
    if n_done < n_inputs:
        a, a_row, column = floats_of(codes, x, row, n_done, n_inputs, panels)
        factors = a, column, a_row, panels
        shared_product(team, codes, factors, start, out, out_row[n_done:])
    for j in range(d_bias.size):
        d_bias[j] = 0.0
    for i in range(len(dy)):
        for j in range(d_bias.size):
            d_bias[j] += dy[i, j]


@merged
def _begins(a: FloatArray) -> IntArray:
    """Return where the rows of ``a`` begin."""
    return offsets(0, len(a), a.shape[1])


@compiled_within
def _transpose(a: FloatArray, out: FloatArray, first: int, stop: int) -> None:
    # A line of the cache of each row of a at a time, until all of its elements have been taken.
    for begin in range(0, len(a), 16):
        for i in range(first, stop):
            for j in range(begin, min(len(a), begin + 16)):
                out[i, j] = a[j, i]
