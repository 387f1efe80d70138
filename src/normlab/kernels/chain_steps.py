"""Steps of training and measurements of a chain, compiled as a whole; see ``chain``.

Between two steps no Python runs, and a step touches nothing but the memory that the last one has:
a fifth off the time of a training with one layer of 20 units, or two of 30.
"""

from typing import Any

import numpy as np
from numba import float64, from_dtype, int64, types
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels import losses
from normlab.kernels._by_address import address_of, call
from normlab.kernels._compile import compiled
from normlab.kernels._team import fit
from normlab.kernels.activations import Kernels
from normlab.kernels.chain import (
    BACKWARD,
    FORWARD,
    LOSS,
    N_IN,
    N_OUT,
    OF_BATCH,
    kernels_of,
    update_statistics,
)
from normlab.kernels.products import codes_of_kernels


@compiled
def take_steps(
    team: IntArray,
    codes: IntArray,
    plan: IntArray,
    options: FloatArray,
    x: int,
    masks: IntArray,
    labels: IntArray,
    batches: IntArray,
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

    Returns how many were taken. ``x``, ``masks`` and ``labels`` are those of all rows. The loss is
    ``losses.cross_entropy_of_indices``. ``update`` is the address of the optimizer's code, see
    ``updates``, with a row of ``numbers`` a step.
    """
    n, n_outputs, n_features = batches.shape[1], plan[-1, N_OUT], plan[0, N_IN]
    row, target = np.empty(n, np.int64), np.empty(n, np.int64)
    own_masks = np.empty((n, masks.shape[1]), np.int64)
    none, upstream = np.empty((0, 0), work.dtype), address_of(dy)
    y = work[work.size - n * n_outputs :].reshape(n, n_outputs)
    for k in range(len(batches)):
        for i in range(n):
            number = batches[k, i]
            row[i], target[i] = number * n_features, labels[number]
            for word in range(masks.shape[1]):  # in one assignment, it takes seconds to compile
                own_masks[i, word] = masks[number, word]
        rows = x, row, own_masks
        call(codes[FORWARD], (team, codes, plan, options, *rows, True, work, stats, terms))
        call(codes[LOSS], (y, target, dy, objectives[k : k + 1]))
        if not np.isfinite(objectives[k]):
            return k
        passes = team, codes, plan, *rows, work, terms, upstream, gradients, room, none
        call(codes[BACKWARD], passes)
        fit(team, state.shape[1])
        call(update, (team, state.shape[1], table, state, numbers[k]))
        update_statistics(plan, options, n, stats)
    return len(batches)


@compiled
def measure(
    team: IntArray,
    codes: IntArray,
    plan: IntArray,
    options: FloatArray,
    x: int,
    masks: IntArray,
    labels: IntArray,
    work: FloatArray,
    stats: FloatArray,
    terms: FloatArray,
    dy: FloatArray,
) -> tuple[float, int]:
    """Return the sum of the losses of all rows, in evaluation, and how many are right.

    In blocks of so many rows as ``dy`` has.
    """
    total, n_right, n_features, n_outputs = 0.0, 0, plan[0, N_IN], plan[-1, N_OUT]
    last = (len(plan) - 1) % 2 * (work.size // 2)
    row, target, value = np.empty(len(dy), np.int64), np.empty(len(dy), np.int64), np.empty(1)
    for first in range(0, len(labels), len(dy)):
        n = min(len(dy), len(labels) - first)
        for i in range(n):
            row[i], target[i] = (first + i) * n_features, labels[first + i]
        rows, own = (x, row[:n], masks[first : first + n]), target[:n]
        call(codes[FORWARD], (team, codes, plan, options, *rows, False, work, stats, terms))
        y = work[last : last + n * n_outputs].reshape(n, n_outputs)
        call(codes[LOSS], (y, own, dy[:n], value))
        total += value[0] * n
        n_right += losses.n_correct(y, own)
    return total, n_right


def compile_share(dtype: DTypeLike, activations: tuple[Kernels, ...], share: int) -> None:
    """Compile one of two shares of what trainings and measurements need, into the cache on disk.

    For rows of bytes where they may be: for float32. Two processes take half the time of one.
    """
    stored = np.dtype(np.uint8 if np.dtype(dtype) == np.float32 else dtype)
    passes = kernels_of(dtype, stored, activations)
    shares = passes[:OF_BATCH], [*passes[OF_BATCH:], *_whole_kernels(dtype)]
    codes_of_kernels(shares[share])


def _whole_kernels(dtype: DTypeLike) -> list[Any]:
    """Return those of this module that take steps and measure, in the same way."""
    number = from_dtype(np.dtype(dtype))
    integers, doubles, vector, rows = int64[::1], float64[:, ::1], number[::1], number[:, ::1]
    labels = types.Array(int64, 1, "C", readonly=True)
    layers = integers, integers, int64[:, ::1], doubles
    data = int64, int64[:, ::1], labels
    room = vector, float64[::1], vector, rows
    steps = *layers, *data, int64[:, ::1], *room, vector, vector
    update = int64, int64[:, ::1], rows, rows
    return [
        (measure, *layers, *data, *room),
        (take_steps, *steps, *update, float64[::1]),
    ]
