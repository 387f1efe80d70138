"""Batch normalization: forward and backward, alone or with a ReLU right behind it.

Shapes: ``x``, ``y``, ``dy``, ``dx`` are ``(m, n_features)`` or feature maps
``(n, n_features, positions)``, C-contiguous, of one dtype; ``mean``, ``inv_std``, ``gamma`` and
``beta`` are ``(n_features,)``, the first two in float64.

Forward (Ioffe & Szegedy 2015, "Batch Normalization", Algorithm 1)::

    inv_std = 1 / sqrt(var + eps)
    x_hat   = (x - mean) inv_std
    y       = gamma x_hat + beta

Backward with batch statistics, where mean and inv_std depend on x::

    d_beta  = sum(dy)
    d_gamma = sum(dy x_hat)
    dx      = gamma inv_std (dy - d_beta / m - x_hat d_gamma / m)

With fixed statistics the last two terms vanish: ``dx = gamma inv_std dy``. With a ReLU behind it,
forward returns max(y, 0), and dy counts only where y > 0, bit for bit as in
``kernels.activations``: two passes over memory less.

``x_hat`` is computed again in the backward pass instead of kept: reading x costs as much as
reading x_hat, and writing it costs nothing when it is not written. So is the sign of y.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels import activations, arrays
from normlab.kernels import batch_norm_loops as loops
from normlab.kernels._compile import compiled, merged
from normlab.kernels._team import share_out
from normlab.kernels.blocks import block_rows, in_lanes
from normlab.kernels.moments import Moments, code_of_moments, moments_into
from normlab.kernels.threads import in_team


def inverse_std(var: FloatArray, eps: float) -> FloatArray:
    """Return 1 / sqrt(var + eps).

    0 where var + eps is 0, for then x_hat is 0 too; NaN where the variance has overflowed, or all
    x_hat would be 0.
    """
    inv_std = np.empty_like(var)
    inverse_std_into(var, eps, inv_std)
    return inv_std


def of_batch(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float
) -> tuple[Moments, FloatArray, FloatArray]:
    """Return the moments of ``x``, inv_std, and the terms."""
    n_features = x.shape[1]
    mean, M2, inv_std = found = np.empty((3, n_features))
    terms = np.empty((5, n_features), x.dtype)
    in_team(of_batch_into, _size(x), code_of_moments(x.dtype), x, gamma, beta, eps, found, terms)
    return Moments(x.size // n_features, mean, M2), inv_std, terms


def terms(
    mean: FloatArray, inv_std: FloatArray, gamma: FloatArray, beta: FloatArray, dtype: DTypeLike
) -> FloatArray:
    """Return what each feature is computed with, ``(5, n_features)``: the next three arguments.

    Worked out in float64 and kept in the dtype of x, so that the loops over x stay in one dtype::

        x_hat = (x - terms[0]) terms[1] + terms[2]
        y     = (x - terms[0]) terms[3] + terms[4]

    A float32 mean alone would be off by half a deviation at an offset of 1e7; what its rounding
    drops is in terms[2] and terms[4].
    """
    found = np.empty((5, mean.size), dtype)
    terms_into(mean, inv_std, gamma, beta, found)
    return found


def normalize(x: FloatArray, terms: FloatArray, *, relu: bool = False) -> FloatArray:
    """Return y, or max(y, 0)."""
    y = arrays.empty(x.shape, x.dtype)
    floor = x.dtype.type(0 if relu else np.nan)  # nothing is below NaN
    code = loops.normalize_code(x.dtype, x.ndim)
    in_team(normalize_into, x.size, code, x, terms, floor, y)
    return y


def backward_batch(
    dy: FloatArray, x: FloatArray, terms: FloatArray, *, relu: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where mean and inv_std come from ``x`` itself."""
    d_gamma, d_beta = sums = np.empty((2, x.shape[1]))
    dx = arrays.empty(x.shape, x.dtype)
    codes, floor = loops.backward_codes(x.dtype, x.ndim, relu), x.dtype.type(0) if relu else None
    in_team(backward_batch_into, _size(x), *codes, dy, x, terms, floor, sums, dx)
    return dx, d_gamma, d_beta


def backward_fixed(
    dy: FloatArray, x: FloatArray, terms: FloatArray, *, relu: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where mean and inv_std do not depend on ``x``."""
    if relu:
        dy = activations.backward(activations.RELU, dy, normalize(x, terms))
    d_gamma, d_beta = sums = np.zeros((2, x.shape[1]))
    if x.size > 0:
        code, _ = loops.backward_codes(x.dtype, x.ndim, False)
        in_team(_set_sums, _size(x), code, dy, x, terms, None, sums)
    dx = dy * terms[3].reshape(-1, *[1] * (x.ndim - 2))
    return dx, d_gamma, d_beta


def _size(x: FloatArray) -> int:
    """Return the size of sums over ``x``, in elements.

    To begin a feature of maps, and to end it, takes as long as 300 of them.
    """
    return x.size + (300 * x.shape[1] if x.ndim == 3 else 0)


@compiled
def of_batch_into(
    team: IntArray,
    code: int,
    x: FloatArray,
    gamma: FloatArray,
    beta: FloatArray,
    eps: float,
    found: FloatArray,
    terms: FloatArray,
) -> None:
    """Set mean, M2 and inv_std, the rows of ``found``, and the terms."""
    mean, M2, inv_std = found[0], found[1], found[2]  # unpacked, they would go through no vectors
    moments_into(team, code, x, mean, M2)
    inverse_std_into(M2 / (x.size // mean.size), eps, inv_std)
    terms_into(mean, inv_std, gamma, beta, terms)


@compiled
def normalize_into(
    team: IntArray,
    code: int,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any],
    y: FloatArray,
) -> None:
    """Set y, by the loop ``normalize`` or ``normalize_maps``; at most ``floor``, it is 0."""
    if x.ndim == 2:
        lanes = in_lanes(x)
        share_out(team, len(lanes), code, (lanes, terms, floor, in_lanes(y)))
    else:
        share_out(team, len(x), code, (x, terms, floor, y))


@compiled
def backward_batch_into(
    team: IntArray,
    sums_code: int,
    code: int,
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    sums: FloatArray,
    dx: FloatArray,
) -> None:
    """Set dx, and d_gamma and d_beta, the rows of ``sums``.

    By the loops ``block_sums``, and ``input_gradient`` or ``input_gradient_maps``.
    """
    _set_sums(team, sums_code, dy, x, terms, floor, sums)
    all_terms = np.empty((7, x.shape[1]), x.dtype)
    _set_all_terms(terms, sums, x.size // x.shape[1], all_terms)
    if x.ndim == 2:
        lanes = in_lanes(x)
        rows = in_lanes(dy), lanes, all_terms, floor, in_lanes(dx)
        share_out(team, len(lanes), code, rows)
    else:
        share_out(team, len(x), code, (dy, x, all_terms, floor, dx))


@partial(compiled, merge=True)
def _set_sums(
    team: IntArray,
    code: int,
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    sums: FloatArray,
) -> None:
    """Set the sums over all rows, d_gamma and d_beta."""
    lanes = in_lanes(x)
    rows = block_rows(lanes)
    n_blocks = -(-len(lanes) // rows)
    found = np.empty((n_blocks, sums.shape[0], sums.shape[1]))
    blocks = in_lanes(dy), lanes, terms, floor, rows, found
    share_out(team, n_blocks * lanes.shape[1], code, blocks)
    for i in range(2):
        for j in range(sums.shape[1]):
            sums[i, j] = found[0, i, j]
    for block in range(1, n_blocks):  # in their order
        for i in range(2):
            for j in range(sums.shape[1]):
                sums[i, j] += found[block, i, j]


@partial(compiled, merge=True)
def inverse_std_into(var: FloatArray, eps: float, inv_std: FloatArray) -> None:
    """Set inv_std."""
    for j in range(var.shape[0]):
        if var[j] + eps == 0.0:
            inv_std[j] = 0.0
        elif np.isinf(var[j]):
            inv_std[j] = np.nan
        else:
            inv_std[j] = 1.0 / np.sqrt(var[j] + eps)


@compiled
def move_running(
    running_mean: FloatArray,
    running_var: FloatArray,
    mean: FloatArray,
    M2: FloatArray,
    new: float,
    count: int,
) -> None:
    """Move running statistics in place: running = (1 - new) running + new (mean or M2 / count).

    A term of weight 0 is left out: NaN in it would spread all the same.
    """
    for j in range(running_mean.size):
        running_mean[j] = _moved(running_mean[j], mean[j], new)
        running_var[j] = _moved(running_var[j], M2[j] / count, new)


@merged
def _moved(running: float, batch: float, new: float) -> float:
    old_term = (1 - new) * running if new < 1 else 0.0
    new_term = new * batch if new > 0 else 0.0
    return old_term + new_term


@partial(compiled, merge=True)
def terms_into(
    mean: FloatArray, inv_std: FloatArray, gamma: FloatArray, beta: FloatArray, terms: FloatArray
) -> None:
    """Set the terms."""
    for j in range(mean.size):
        scale = gamma[j] * inv_std[j]
        terms[0, j] = mean[j]
        dropped = terms[0, j] - mean[j]
        terms[1, j] = inv_std[j]
        terms[2, j] = dropped * inv_std[j]
        terms[3, j] = scale
        terms[4, j] = beta[j] + dropped * scale


@merged
def _set_all_terms(terms: FloatArray, sums: FloatArray, m: int, all_terms: FloatArray) -> None:
    for i in range(5):
        for j in range(terms.shape[1]):
            all_terms[i, j] = terms[i, j]
    for j in range(sums.shape[1]):
        all_terms[5, j] = sums[1, j] / m
        all_terms[6, j] = sums[0, j] / m
