"""Rows through dense layers, normalizations and activations: compiled passes.

Each layer computes what its own kernel does (``dense``, ``batch_norm``, ``activations``), called by
address; but between two layers no Python runs: a fifth off the time of a training with five layers
of 100 units, half with one of 20.

The layers are a plan, an array of numbers with a row a layer::

    KIND    what it is: DENSE, NORM, NORM_RELU (a normalization with a ReLU behind it), ACTIVATION
    N_IN, N_OUT             features
    FIRST, SECOND           addresses of weight and bias, or of gamma and beta; 0: no bias. Or which
                            codes are those of an activation, forward and backward
    MEAN, VAR               addresses of the running statistics
    OUT, STATS              features of the layers and of the normalizations before it
    D_FIRST, D_SECOND       where among all gradients those of FIRST and SECOND begin; -1: nowhere

Shapes: ``codes`` is ``codes_of``'s; ``x``, ``row`` and ``masks`` are those of ``dense``;
``options`` ``(n_layers, 3)``, see EPS, NEW and DDOF. ``work``, ``stats``, ``terms`` and
``gradients`` are flat: the outputs of all layers, ``(3, N_OUT)`` and ``(5, N_OUT)`` of each
normalization (see ``batch_norm``), and the gradients of all parameters.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import boolean, float64, from_dtype, int64
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels import batch_norm as bn
from normlab.kernels import batch_norm_loops as loops
from normlab.kernels import dense
from normlab.kernels._by_address import address_of, call, rows, vector
from normlab.kernels._compile import compiled, merged
from normlab.kernels._team import fit
from normlab.kernels.activations import Kernels
from normlab.kernels.batch_norm_loops import loop_kernel
from normlab.kernels.gathered_product import offsets
from normlab.kernels.losses import cross_entropy_into
from normlab.kernels.moments import block_moments
from normlab.kernels.products import N_PRODUCTS, codes_of_kernels, product_kernels
from normlab.kernels.threads import MULTIPLICATIONS

DENSE, NORM, NORM_RELU, ACTIVATION = range(4)

KIND, N_IN, N_OUT, FIRST, SECOND, MEAN, VAR, OUT, STATS, D_FIRST, D_SECOND = range(11)

EPS, NEW, DDOF = range(3)
"""Of a normalization: eps, the weight of the new value in the running statistics, and ddof."""

(
    DENSE_FORWARD,
    DENSE_PARAMETERS,
    DENSE_INPUT,
    FORWARD,
    BACKWARD,
    OF_BATCH,
    NORMALIZE,
    NORM_BACKWARD,
    MOMENTS,
    NORMALIZE_ROWS,
    SUMS,
    INPUT_GRADIENT,
    LOSS,
    FIRST_ACTIVATION,
) = range(2 * N_PRODUCTS, 2 * N_PRODUCTS + 14)
"""Which code is where among ``codes_of``, behind the products of the first layer, which is dense,
and those of others: the first one's rows may have another dtype, and it leaves out what is 0. Four
are loops that normalization calls by address; behind them are the loss and the activations."""


@cache
def codes_of(dtype: DTypeLike, stored: DTypeLike, activations: tuple[Kernels, ...]) -> IntArray:
    """Return the addresses of what the passes call, compiled where need be.

    For this dtype, rows of another, and these activations.
    """
    return codes_of_kernels(kernels_of(dtype, stored, activations))


def kernels_of(dtype: DTypeLike, stored: DTypeLike, activations: tuple[Kernels, ...]) -> list[Any]:
    """Return kernels and the types of their arguments, in the order of their codes."""
    number, team, codes = from_dtype(np.dtype(dtype)), int64[::1], int64[::1]
    doubles, vector, rows = float64[:, ::1], number[::1], number[:, ::1]
    x, masks = (int64, int64[::1]), int64[:, ::1]
    affine, parameters = dense.forward_into, dense.backward_parameters_into
    passes, norm = (team, codes, int64[:, ::1]), (*[rows] * 3, number, doubles, rows)
    found = {
        DENSE_FORWARD: (affine, team, codes, *x, masks, rows, vector, rows),
        DENSE_PARAMETERS: (parameters, team, codes, rows, *x, masks, rows, vector),
        DENSE_INPUT: (dense.backward_input_into, team, codes, rows, rows, rows),
        OF_BATCH: (bn.of_batch_into, team, int64, rows, vector, vector, float64, doubles, rows),
        NORMALIZE: (bn.normalize_into, team, int64, *[rows] * 2, number, rows),
        NORM_BACKWARD: (bn.backward_batch_into, team, *[int64] * 2, *norm),
        MOMENTS: block_moments(dtype),
        NORMALIZE_ROWS: loop_kernel(loops.normalize, dtype),
        SUMS: loop_kernel(loops.block_sums, dtype),
        INPUT_GRADIENT: loop_kernel(loops.input_gradient, dtype),
        LOSS: (cross_entropy_into, rows, int64[::1], rows, float64[::1]),
        FORWARD: (forward, *passes, doubles, *x, masks, boolean, vector, float64[::1], vector),
        BACKWARD: (backward, *passes, *x, masks, vector, vector, int64, vector, vector, rows),
    }
    for i, activation in enumerate(activations):
        begin = FIRST_ACTIVATION + 2 * i
        found[begin] = activation.forward, team, int64, *[vector] * 2
        found[begin + 1] = activation.backward, team, int64, *[vector] * 3
    products = product_kernels(dtype, stored) + product_kernels(dtype, None)
    return products + [found[i] for i in sorted(found)]


@compiled
def forward(
    team: IntArray,
    codes: IntArray,
    plan: IntArray,
    options: FloatArray,
    x: int,
    row: IntArray,
    masks: IntArray,
    training: bool,
    work: FloatArray,
    stats: FloatArray,
    terms: FloatArray,
) -> None:
    """Set the outputs and what belongs to them, or in evaluation the last two outputs, in turn."""
    n, source = row.size, work[:0].reshape(0, 1)
    for i in range(len(plan)):
        step, begin = plan[i], n * plan[i, OUT] if training else i % 2 * (work.size // 2)
        fit(team, _size(step, n, i == 0 and len(masks) > 0))
        out = work[begin : begin + n * step[N_OUT]].reshape(n, step[N_OUT])
        if step[KIND] == DENSE:
            affine = _weight(step, work), _bias(step, work), out
            own = codes, x, row, masks
            if i > 0:
                own = codes[N_PRODUCTS:], address_of(source), offsets(0, n, step[N_IN]), masks[:0]
            call(codes[DENSE_FORWARD], (team, *own, *affine))
        elif step[KIND] == ACTIVATION:
            call(codes[step[FIRST]], (team, out.size, source.reshape(-1), out.reshape(-1)))
        else:
            own_stats, own_terms = _of_step(step, stats, 3), _of_step(step, terms, 5)
            gamma, beta = _vector(step, FIRST, work), _vector(step, SECOND, work)
            if training:
                moments = source, gamma, beta, options[i, EPS], own_stats, own_terms
                call(codes[OF_BATCH], (team, codes[MOMENTS], *moments))
            else:
                mean, var = _vector(step, MEAN, stats), _vector(step, VAR, stats)
                bn.inverse_std_into(var, options[i, EPS], own_stats[2])
                bn.terms_into(mean, own_stats[2], gamma, beta, own_terms)
            rest = source, own_terms, _floor(step, work), out
            call(codes[NORMALIZE], (team, codes[NORMALIZE_ROWS], *rest))
        source = out


@compiled
def backward(
    team: IntArray,
    codes: IntArray,
    plan: IntArray,
    x: int,
    row: IntArray,
    masks: IntArray,
    work: FloatArray,
    terms: FloatArray,
    dy: int,
    gradients: FloatArray,
    room: FloatArray,
    dx: FloatArray,
) -> None:
    """Set gradients and, where it is not of size 0, dx; ``room`` is for those in between."""
    n, source = row.size, work[:0].reshape(0, 1)
    upstream = rows(dy, n, plan[-1, N_OUT], work)
    for i in range(len(plan) - 1, -1, -1):
        step = plan[i]
        fit(team, _size(step, n, i == 0 and len(masks) > 0))
        if i > 0:
            begin = n * plan[i - 1, OUT]
            source = work[begin : begin + n * step[N_IN]].reshape(n, step[N_IN])
            begin = i % 2 * (room.size // 2)
            passed = room[begin : begin + source.size].reshape(n, step[N_IN])
        else:
            passed = dx
        if step[KIND] == DENSE:
            begin = step[D_FIRST]
            d_weight = gradients[begin : begin + step[N_IN] * step[N_OUT]]
            shaped = d_weight.reshape(step[N_IN], step[N_OUT])
            products, own = codes, (x, row, masks)
            if i > 0:
                products = codes[N_PRODUCTS:]
                own = address_of(source), offsets(0, n, step[N_IN]), masks[:0]
            found = shaped, _d_bias(step, gradients)
            call(codes[DENSE_PARAMETERS], (team, products, upstream, *own, *found))
            if passed.size > 0:
                call(codes[DENSE_INPUT], (team, codes, upstream, _weight(step, work), passed))
        elif step[KIND] == ACTIVATION:
            begin = n * step[OUT]
            y = work[begin : begin + source.size]
            flat = upstream.reshape(-1), y, passed.reshape(-1)
            call(codes[step[SECOND]], (team, source.size, *flat))
        else:
            own_terms, sums = _of_step(step, terms, 5), np.empty((2, step[N_OUT]))
            norm = upstream, source, own_terms, _floor(step, work), sums, passed
            call(codes[NORM_BACKWARD], (team, codes[SUMS], codes[INPUT_GRADIENT], *norm))
            _keep(sums[0], step[D_FIRST], gradients)
            _keep(sums[1], step[D_SECOND], gradients)
        upstream = passed


@compiled
def update_statistics(plan: IntArray, options: FloatArray, n: int, stats: FloatArray) -> None:
    """Move the running statistics of all normalizations towards those of the batch."""
    for i in range(len(plan)):
        if plan[i, KIND] in (NORM, NORM_RELU):
            mean, var = _vector(plan[i], MEAN, stats), _vector(plan[i], VAR, stats)
            own, count = _of_step(plan[i], stats, 3), n - int(options[i, DDOF])
            bn.move_running(mean, var, own[0], own[1], options[i, NEW], count)


@merged
def _size(step: IntArray, n: int, sparse: bool) -> int:
    """Return the size of a step's work on n rows, in elements; about half of sparse ones is 0."""
    size: int = n * step[N_OUT]
    if step[KIND] == DENSE:
        size = size * step[N_IN] // (2 * MULTIPLICATIONS if sparse else MULTIPLICATIONS)
    return size


@merged
def _of_step(step: IntArray, values: FloatArray, n: int) -> FloatArray:
    begin, n_features = n * step[STATS], step[N_OUT]
    return values[begin : begin + n * n_features].reshape(n, n_features)


@merged
def _floor(step: IntArray, work: FloatArray) -> Any:
    return work.dtype.type(0 if step[KIND] == NORM_RELU else np.nan)


@merged
def _d_bias(step: IntArray, gradients: FloatArray) -> FloatArray:
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
    return rows(step[FIRST], step[N_IN], step[N_OUT], like)


@merged
def _bias(step: IntArray, like: FloatArray) -> FloatArray:
    if step[SECOND] == 0:
        return np.zeros(step[N_OUT], like.dtype)
    return _vector(step, SECOND, like)


@merged
def _vector(step: IntArray, column: int, like: FloatArray) -> FloatArray:
    found: FloatArray = vector(step[column], step[N_OUT], like)
    return found
