"""Rows through dense layers, normalizations and ReLUs: one compiled call a pass.

Each layer computes what its own kernel does (``dense``, ``batch_norm``, ``activations``); but
between two layers no Python runs, which takes half the time of a network of 100 units a layer.

The layers are a plan, an array of numbers with a row a step::

    KIND    what it is: DENSE, NORM, NORM_RELU (a normalization with a ReLU behind it), RELU
    N_IN, N_OUT             features
    FIRST, SECOND           addresses of weight and bias, or of gamma and beta; 0: no bias
    MEAN, VAR               addresses of the running statistics
    OUT, STATS              features of the steps and of the normalizations before it
    D_FIRST, D_SECOND       where among all gradients those of FIRST and SECOND begin; -1: nowhere

Numba compiles for one number of arrays at a time: passed as arrays, the layers of each depth would
be compiled anew. Whoever passes a plan keeps its arrays alive.

Shapes: ``x``, by address, is ``(n, N_IN)`` of the first step; ``options`` ``(n_steps, 3)``, see
EPS, NEW and DDOF. ``work``, ``stats``, ``terms`` and ``gradients`` are flat: the outputs of
all steps, ``(3, N_OUT)`` and ``(5, N_OUT)`` of each normalization (see ``batch_norm``), and the
gradients of all parameters.
"""

from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]  # which Numba does not state

from normlab._typing import FloatArray, IntArray
from normlab.kernels import activations, dense
from normlab.kernels import batch_norm as bn
from normlab.kernels._compile import compiled, merged
from normlab.kernels._team import instructions

DENSE, NORM, NORM_RELU, RELU = range(4)

KIND, N_IN, N_OUT, FIRST, SECOND, MEAN, VAR, OUT, STATS, D_FIRST, D_SECOND = range(11)

EPS, NEW, DDOF = range(3)
"""Of a normalization: eps, the weight of the new value in the running statistics, and ddof."""


@compiled
def forward(
    team: IntArray,
    plan: IntArray,
    options: FloatArray,
    x: int,
    n: int,
    training: bool,
    work: FloatArray,
    stats: FloatArray,
    terms: FloatArray,
) -> None:
    """Set the outputs and what belongs to them, or in evaluation the last two outputs, in turn."""
    source = _rows(x, n, plan[0, N_IN], work)
    for i in range(len(plan)):
        step, begin = plan[i], n * plan[i, OUT] if training else i % 2 * (work.size // 2)
        out = work[begin : begin + n * step[N_OUT]].reshape(n, step[N_OUT])
        if step[KIND] == DENSE:
            dense.forward_into(team, source, _weight(step, work), _bias(step, work), out)
        elif step[KIND] == RELU:
            activations.relu_into(team, out.size, source.reshape(-1), out.reshape(-1))
        else:
            own_stats, own_terms = _of_step(step, stats, 3), _of_step(step, terms, 5)
            _set_statistics(team, step, source, options[i, EPS], training, own_stats, own_terms)
            bn.normalize_into(team, source, own_terms, _floor(step, work), out)
        source = out


@merged
def _set_statistics(
    team: IntArray,
    step: IntArray,
    x: FloatArray,
    eps: float,
    training: bool,
    stats: FloatArray,
    terms: FloatArray,
) -> None:
    gamma, beta = _vector(step[FIRST], x.shape[1], x), _vector(step[SECOND], x.shape[1], x)
    if training:
        bn.of_batch_into(team, x, gamma, beta, eps, stats, terms)
    else:
        mean, var = _running(step, stats)
        bn.inverse_std_into(var, eps, stats[2])
        bn.terms_into(mean, stats[2], gamma, beta, terms)


@compiled
def backward(
    team: IntArray,
    plan: IntArray,
    x: int,
    n: int,
    work: FloatArray,
    terms: FloatArray,
    dy: int,
    gradients: FloatArray,
    room: FloatArray,
    dx: FloatArray,
) -> None:
    """Set gradients and, where it is not of size 0, dx; ``room`` is for those in between."""
    upstream = _rows(dy, n, plan[-1, N_OUT], work)
    for i in range(len(plan) - 1, -1, -1):
        step = plan[i]
        if i > 0:
            begin = n * plan[i - 1, OUT]
            source = work[begin : begin + n * step[N_IN]].reshape(n, step[N_IN])
            begin = i % 2 * (room.size // 2)
            passed = room[begin : begin + source.size].reshape(n, step[N_IN])
        else:
            source, passed = _rows(x, n, step[N_IN], work), dx
        if step[KIND] == DENSE:
            begin = step[D_FIRST]
            d_weight = gradients[begin : begin + step[N_IN] * step[N_OUT]]
            d_bias = _gradient(step, gradients)
            shaped = d_weight.reshape(step[N_IN], step[N_OUT])
            dense.backward_parameters_into(team, upstream, source, shaped, d_bias)
            if passed.size > 0:
                dense.backward_input_into(team, upstream, _weight(step, work), passed)
        elif step[KIND] == RELU:
            begin = n * step[OUT]
            y = work[begin : begin + source.size]
            relu = upstream.reshape(-1), y, passed.reshape(-1)
            activations.relu_backward_into(team, source.size, *relu)
        else:
            own, floor = _of_step(step, terms, 5), _floor(step, work)
            sums = np.empty((2, step[N_OUT]))
            bn.backward_batch_into(team, upstream, source, own, floor, sums, passed)
            _keep(sums[0], step[D_FIRST], gradients)
            _keep(sums[1], step[D_SECOND], gradients)
        upstream = passed


@compiled
def update_statistics(plan: IntArray, options: FloatArray, n: int, stats: FloatArray) -> None:
    """Move the running statistics of all normalizations towards those of the batch."""
    for i in range(len(plan)):
        if plan[i, KIND] in (NORM, NORM_RELU):
            (mean, var), own = _running(plan[i], stats), _of_step(plan[i], stats, 3)
            count = n - int(options[i, DDOF])
            bn.move_running(mean, var, own[0], own[1], options[i, NEW], count)


@merged
def _of_step(step: IntArray, values: FloatArray, n: int) -> FloatArray:
    begin, n_features = n * step[STATS], step[N_OUT]
    return values[begin : begin + n * n_features].reshape(n, n_features)


@merged
def _floor(step: IntArray, work: FloatArray) -> Any:
    return work.dtype.type(0 if step[KIND] == NORM_RELU else np.nan)


@merged
def _gradient(step: IntArray, gradients: FloatArray) -> FloatArray:
    """Return where d_bias belongs, of size 0 where there is none."""
    begin = step[D_SECOND]
    return gradients[begin : begin + step[N_OUT]] if begin >= 0 else gradients[:0]


@merged
def _keep(sums: FloatArray, begin: int, gradients: FloatArray) -> None:
    if begin >= 0:
        own = gradients[begin : begin + sums.size]
        for j in range(sums.size):
            own[j] = sums[j]


@merged
def _weight(step: IntArray, like: FloatArray) -> FloatArray:
    return _rows(step[FIRST], step[N_IN], step[N_OUT], like)


@merged
def _bias(step: IntArray, like: FloatArray) -> FloatArray:
    if step[SECOND] == 0:
        return np.zeros(step[N_OUT], like.dtype)
    return _vector(step[SECOND], step[N_OUT], like)


@merged
def _running(step: IntArray, stats: FloatArray) -> tuple[FloatArray, FloatArray]:
    return _vector(step[MEAN], step[N_OUT], stats), _vector(step[VAR], step[N_OUT], stats)


@merged
def _vector(address: int, n: int, like: FloatArray) -> FloatArray:
    found: FloatArray = carray(_pointer(address, like), (n,))
    return found


@merged
def _rows(address: int, n: int, n_features: int, like: FloatArray) -> FloatArray:
    """Return the array ``(n, n_features)`` at an address, of the dtype of ``like``."""
    found: FloatArray = carray(_pointer(address, like), (n, n_features))
    return found


@instructions
def _pointer(typing: Any, address: Any, like: Any) -> tuple[Any, Any]:
    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    # (Numba states no types here.)
    pointer: Any = types.CPointer(like.dtype)  # type: ignore[no-untyped-call]
    return pointer(types.int64, like), write
