"""Steps of training and measurements of a chain, compiled as a whole; see ``chain``.

Between two steps no Python runs, and a step touches nothing but the memory that the last one has:
a fifth off the time of a training with 100 units a layer.
"""

from typing import Any

import numpy as np
from numba import float64, from_dtype, int16, int64, types
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels import losses
from normlab.kernels._by_address import address_of, call, code_of
from normlab.kernels._compile import compiled
from normlab.kernels.chain import (
    N_IN,
    N_OUT,
    NORM_BACKWARD,
    OF_BATCH,
    backward,
    forward,
    layer_kernels,
    update_statistics,
)
from normlab.kernels.gathered_product import BLOCK_K
from normlab.kernels.picked_product import GROUP
from normlab.kernels.picks import WORD, is_sparse, pick_rows, used_of


@compiled
def take_steps(
    team: IntArray,
    codes: IntArray,
    plan: IntArray,
    options: FloatArray,
    data: IntArray,
    labels: IntArray,
    masks: IntArray,
    groups: IntArray,
    batches: IntArray,
    x: FloatArray,
    row: IntArray,
    column: IntArray,
    target: IntArray,
    work: FloatArray,
    stats: FloatArray,
    terms: FloatArray,
    dy: FloatArray,
    gradients: FloatArray,
    room: FloatArray,
    update: int,
    table: IntArray,
    state: FloatArray,
    numbers: FloatArray,
    objectives: FloatArray,
) -> int:
    """Take a step on each batch of row numbers, until the objective is not finite.

    Returns how many were taken. The loss is ``losses.cross_entropy_of_indices``. ``data`` is the
    address of all rows and that of the code that takes some of them, see ``rows``, ``masks`` which
    of their elements are not 0, see ``picks``; ``update`` is the address of the optimizer's code,
    see ``updates``, with a row of ``numbers`` a step.
    """
    n, n_outputs, n_features = batches.shape[1], plan[-1, N_OUT], plan[0, N_IN]
    n_groups = groups.shape[1] * WORD
    picks, counts = np.empty(n_groups * n, np.int16), np.empty(n_groups, np.int64)
    no_columns = picks[:0], np.empty((0, 0), np.int64)
    none, found, upstream = np.empty((0, 0), work.dtype), address_of(x), address_of(dy)
    training = n > 0  # and not True, for which forward would be compiled once more
    y = work[work.size - n * n_outputs :].reshape(n, n_outputs)
    for k in range(len(batches)):
        call(data[1], (data[0], n_features, batches[k], x))
        for i in range(n):
            target[i] = labels[batches[k, i]]
        used, own_picks = used_of(masks, batches[k]), picks[:0]
        if n <= BLOCK_K and is_sparse(masks, batches[k], used.size):  # above it, sums are in blocks
            own_picks = picks
            pick_rows(groups, batches[k], picks, counts)
        laid_out = found, row, column, used
        forward(team, codes, plan, options, *laid_out, *no_columns, training, work, stats, terms)
        objectives[k] = losses.cross_entropy_into(y, target, dy)
        if not np.isfinite(objectives[k]):
            return k
        gathered = *laid_out, own_picks, counts
        backward(team, codes, plan, *gathered, work, terms, upstream, gradients, room, none)
        call(update, (team, state.shape[1], table, state, numbers[k]))
        update_statistics(plan, options, n, stats)
    return len(batches)


@compiled
def measure(
    team: IntArray,
    codes: IntArray,
    plan: IntArray,
    options: FloatArray,
    data: IntArray,
    labels: IntArray,
    masks: IntArray,
    used: IntArray,
    picks: IntArray,
    ends: IntArray,
    x: FloatArray,
    row: IntArray,
    column: IntArray,
    work: FloatArray,
    stats: FloatArray,
    terms: FloatArray,
    dy: FloatArray,
) -> tuple[float, int]:
    """Return the sum of the losses of all rows, in evaluation, and how many are right.

    In blocks of so many rows as ``row`` has. Where ``x`` is of size 0, rows are read where they
    lie, with ``picks.picked_columns``; otherwise they are taken first.
    """
    total, n_right, n_features, n_outputs = 0.0, 0, plan[0, N_IN], plan[-1, N_OUT]
    place, own_ends = address_of(x), ends[:, :0].copy()
    training = row.size < 0  # and not False, for which forward would be compiled once more
    last = (len(plan) - 1) % 2 * (work.size // 2)
    for first in range(0, len(labels), row.size):
        own = labels[first : first + row.size]
        n = len(own)
        if x.size > 0:
            numbers = np.arange(first, first + n)
            call(data[1], (data[0], n_features, numbers, x))
            used = used_of(masks, numbers)
        else:
            place = data[0] + first * n_features * work.itemsize
            own_ends = ends[:, first // GROUP : (first + n) // GROUP].copy()
        laid_out = place, row[:n], column, used, picks, own_ends
        forward(team, codes, plan, options, *laid_out, training, work, stats, terms)
        y = work[last : last + n * n_outputs].reshape(n, n_outputs)
        total += losses.cross_entropy_into(y, own, dy[:n]) * n
        n_right += losses.n_correct(y, own)
    return total, n_right


def compile_share(dtype: DTypeLike, share: int) -> None:
    """Compile one of two shares of what trainings and measurements need, into the cache on disk.

    Two processes take half the time of one. Each share takes some 16 seconds.
    """
    layers, (measuring, steps) = layer_kernels(dtype), _whole_kernels(dtype)
    normalization = [layers.pop(i) for i in (NORM_BACKWARD, OF_BATCH)]
    for kernel in ([*layers, measuring], [steps, *normalization])[share]:
        code_of(*kernel)


def _whole_kernels(dtype: DTypeLike) -> list[Any]:
    """Return those of this module that take steps and measure, in the same way."""
    number = from_dtype(np.dtype(dtype))
    integers, doubles, vector, rows = int64[::1], float64[::1], number[::1], number[:, ::1]
    labels = types.Array(int64, 1, "C", readonly=True)
    layers = integers, integers, int64[:, ::1], float64[:, ::1], integers, labels
    masks, columns = int64[:, ::1], (integers, int16[::1], int64[:, ::1])
    x = number[:, :, ::1], integers, integers
    room = vector, doubles, vector, rows
    steps = *layers, masks, masks, int64[:, ::1], *x, integers, *room, vector, vector
    update = int64, int64[:, ::1], rows, rows
    return [(measure, *layers, masks, *columns, *x, *room), (take_steps, *steps, *update, doubles)]
