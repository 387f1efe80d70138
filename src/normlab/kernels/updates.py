"""The steps of the optimizers, in place: one call for all parameters of one dtype.

A kernel is called as ``f(table, state, numbers)``. The table says what each parameter is, its
gradient, and where it begins among the elements of all of them, laid end to end. So lie the columns
of ``state``, which has a row for each array that the optimizer keeps: ``m`` and ``v`` of Adam. The
numbers of the formula are of the dtype of the state, or float32 parameters would be updated at
float64's speed.

One pass over memory each: written with NumPy, Adam takes ten. And one call: in a small network, a
call for each parameter took several times as long as the arithmetic.

Where a gradient stays 0, a state that shrinks by a factor each step does not reach 0: nine tenths
of the smallest denormal number round to itself. Square roots of such numbers take several times as
long, on some processors products too. So a state that has become denormal is set to 0.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, int64

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import code_of, data_of, vector
from normlab.kernels._compile import compiled_within
from normlab.kernels._floats import least_normal
from normlab.kernels._team import shared_out
from normlab.kernels.threads import in_parallel

START, STOP, DECAYS, P, G = range(5)
"""Columns of a table: a parameter's first element and the one behind its last among those of all;
whether it decays in Adam with weight decay; which Python objects it and its gradient are."""


def new_table(sizes: Sequence[int], decays: Sequence[bool]) -> IntArray:
    """Return the table of parameters of these sizes."""
    table = np.zeros((len(sizes), 5), np.int64)
    table[:, STOP] = np.cumsum(sizes)
    table[:, START] = table[:, STOP] - sizes
    table[:, DECAYS] = decays
    return table


def apply(
    step: Callable[..., None],
    table: IntArray,
    parameters: Sequence[FloatArray],
    gradients: Sequence[FloatArray],
    state: FloatArray,
    *numbers: Any,
) -> None:
    """Take a step of the optimizer whose kernel this is.

    Nothing checks the arrays: each must be C-contiguous, of the dtype of the state, and of the size
    in the table.
    """
    point_to(table, parameters, gradients)
    n = state.shape[1]
    in_parallel(step, n, n, table, state, np.array(numbers, state.dtype))


def point_to(
    table: IntArray, parameters: Sequence[FloatArray], gradients: Sequence[FloatArray]
) -> None:
    """Put these arrays into the table, which does not keep them alive."""
    table[:, P] = list(map(id, parameters))
    table[:, G] = list(map(id, gradients))


class CompiledStep(NamedTuple):
    """The step of an optimizer between arrays that stay where they are, for compiled code."""

    code: int
    table: IntArray
    state: FloatArray


@cache
def code_of_step(step: Callable[..., None], dtype: np.dtype[Any]) -> int:
    """Return where the code of a step is, called as ``(team, n, table, state, numbers)``."""
    number = from_dtype(dtype)
    return code_of(step, int64[::1], int64, int64[:, ::1], number[:, ::1], number[::1])


@compiled_within
def _normal(value: Any, least: Any) -> Any:
    # 0 for what is denormal, below the least normal number. NaN stays: it is not below.
    zero = least - least  # of the same dtype; 0.0 would be float64
    return zero if abs(value) < least else value


@compiled_within
def _part(row: Any, state: FloatArray, first: int, stop: int) -> tuple[Any, Any, slice]:
    """Return what of a parameter and of its gradient a range has, and where that is among all.

    The range counts the elements of all parameters; the part of one may be empty.
    """
    start, size = row[START], row[STOP] - row[START]
    first = max(first, start)
    stop = max(first, min(stop, row[STOP]))
    own = slice(first - start, stop - start)
    p, g = vector(data_of(row[P]), size, state), vector(data_of(row[G]), size, state)
    return p[own], g[own], slice(first, stop)


@shared_out
def sgd(table: IntArray, state: FloatArray, numbers: FloatArray, first: int, stop: int) -> None:
    """Apply p -= learning_rate g."""
    learning_rate = numbers[0]
    for row in table:
        p, g, _ = _part(row, state, first, stop)
        for i in range(p.size):
            p[i] -= learning_rate * g[i]


@shared_out
def momentum(
    table: IntArray, state: FloatArray, numbers: FloatArray, first: int, stop: int
) -> None:
    """Apply v = mu v - learning_rate g, then p += v."""
    learning_rate, mu = numbers[0], numbers[1]
    least = least_normal(state)
    for row in table:
        p, g, own = _part(row, state, first, stop)
        v = state[0][own]
        for i in range(p.size):
            v[i] = _normal(mu * v[i] - learning_rate * g[i], least)
            p[i] += v[i]


@shared_out
def nesterov(
    table: IntArray, state: FloatArray, numbers: FloatArray, first: int, stop: int
) -> None:
    """Apply v = mu v - learning_rate g, then p += mu v - learning_rate g."""
    learning_rate, mu = numbers[0], numbers[1]
    least = least_normal(state)
    for row in table:
        p, g, own = _part(row, state, first, stop)
        v = state[0][own]
        for i in range(p.size):
            v[i] = _normal(mu * v[i] - learning_rate * g[i], least)
            p[i] += mu * v[i] - learning_rate * g[i]


@shared_out
def adagrad(table: IntArray, state: FloatArray, numbers: FloatArray, first: int, stop: int) -> None:
    """Apply h += g^2, then p -= learning_rate g / (sqrt(h) + eps)."""
    learning_rate, eps = numbers[0], numbers[1]
    for row in table:
        p, g, own = _part(row, state, first, stop)
        h = state[0][own]
        for i in range(p.size):
            h[i] += g[i] * g[i]
            p[i] -= learning_rate * g[i] / (np.sqrt(h[i]) + eps)


@shared_out
def rmsprop(table: IntArray, state: FloatArray, numbers: FloatArray, first: int, stop: int) -> None:
    """Apply h += new (g^2 - h), then p -= learning_rate g / (sqrt(h) + eps); new is 1 - rho."""
    learning_rate, new, eps = numbers[0], numbers[1], numbers[2]
    least = least_normal(state)
    for row in table:
        p, g, own = _part(row, state, first, stop)
        h = state[0][own]
        for i in range(p.size):
            h[i] += new * (g[i] * g[i] - h[i])
            h[i] = _normal(h[i], least)
            p[i] -= learning_rate * g[i] / (np.sqrt(h[i]) + eps)


@shared_out
def adam(table: IntArray, state: FloatArray, numbers: FloatArray, first: int, stop: int) -> None:
    """Apply one step of Adam.

    m += new1 (g - m), v += new2 (g^2 - v), then p -= step_size m / (sqrt(v v_scale) + eps), for
    weights from kept p instead of p: 1 but in AdamW.

    new1 is 1 - beta1 and new2 is 1 - beta2: float32 would round a beta2 near 1 to 1. The step size
    holds the bias correction of m: learning_rate / (1 - beta1^t); v_scale is 1 / (1 - beta2^t), for
    a second division would take a tenth more time.
    """
    step_size, new1, new2, v_scale, eps, kept = (
        numbers[0],
        numbers[1],
        numbers[2],
        numbers[3],
        numbers[4],
        numbers[5],
    )
    least, one = least_normal(state), state.dtype.type(1)
    for row in table:
        p, g, own = _part(row, state, first, stop)
        m, v = state[0][own], state[1][own]
        own_kept = kept if row[DECAYS] else one
        for i in range(p.size):
            m_new = _normal(m[i] + new1 * (g[i] - m[i]), least)
            v_new = _normal(v[i] + new2 * (g[i] * g[i] - v[i]), least)
            m[i], v[i] = m_new, v_new
            p[i] = own_kept * p[i] - step_size * m_new / (np.sqrt(v_new * v_scale) + eps)
