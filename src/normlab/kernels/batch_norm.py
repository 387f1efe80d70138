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

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from normlab._typing import FloatArray
from normlab.kernels import arrays
from normlab.kernels import batch_norm_loops as loops
from normlab.kernels._compile import compiled
from normlab.kernels.activations import relu_backward
from normlab.kernels.blocks import block_rows, in_lanes
from normlab.kernels.moments import Moments
from normlab.kernels.threads import in_parallel


def inverse_std(var: FloatArray, eps: float) -> FloatArray:
    """Return 1 / sqrt(var + eps).

    0 where var + eps is 0, for then x_hat is 0 too; NaN where the variance has overflowed, or all
    x_hat would be 0.
    """
    inv_std = np.empty_like(var)
    _inverse_std(var, eps, inv_std)
    return inv_std


def update_running(
    running_mean: FloatArray, running_var: FloatArray, batch: Moments, ddof: int, new: float
) -> None:
    """Move the running statistics in place: running = (1 - new) running + new batch.

    A term of weight 0 is left out: NaN in it would spread all the same.
    """
    _update_running(running_mean, batch.mean, new, 1)
    _update_running(running_var, batch.M2, new, batch.count - ddof)


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
    _set_terms(mean, inv_std, gamma, beta, found)
    return found


def normalize(x: FloatArray, terms: FloatArray, *, relu: bool = False) -> FloatArray:
    """Return y, or max(y, 0)."""
    y = arrays.empty(x.shape, x.dtype)
    floor = x.dtype.type(0 if relu else np.nan)  # nothing is below NaN
    if x.ndim == 2:
        kernel, lanes, out = loops.normalize, in_lanes(x), in_lanes(y)
    else:
        kernel, lanes, out = loops.normalize_maps, x, y
    in_parallel(kernel, len(lanes), x.size, lanes, terms, floor, out)
    return y


def backward_batch(
    dy: FloatArray, x: FloatArray, terms: FloatArray, *, relu: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where mean and inv_std come from ``x`` itself."""
    d_gamma, d_beta = _parameter_gradients(dy, x, terms, relu)
    all_terms = np.empty((7, x.shape[1]), x.dtype)
    _set_all_terms(terms, d_gamma, d_beta, x.size // x.shape[1], all_terms)
    dx = arrays.empty(x.shape, x.dtype)
    floor = _floor(x, relu)
    if x.ndim == 2:
        kernel, dys, xs, dxs = loops.input_gradient, in_lanes(dy), in_lanes(x), in_lanes(dx)
    else:
        kernel, dys, xs, dxs = loops.input_gradient_maps, dy, x, dx
    in_parallel(kernel, len(xs), x.size, dys, xs, all_terms, floor, dxs)
    return dx, d_gamma, d_beta


def backward_fixed(
    dy: FloatArray, x: FloatArray, terms: FloatArray, *, relu: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where mean and inv_std do not depend on ``x``."""
    if relu:
        dy = relu_backward(dy, normalize(x, terms))
    d_gamma, d_beta = _parameter_gradients(dy, x, terms, relu=False)
    dx = dy * terms[3].reshape(-1, *[1] * (x.ndim - 2))
    return dx, d_gamma, d_beta


def _parameter_gradients(
    dy: FloatArray, x: FloatArray, terms: FloatArray, relu: bool
) -> tuple[FloatArray, FloatArray]:
    dys, xs, floor = in_lanes(dy), in_lanes(x), _floor(x, relu)
    rows = block_rows(xs)
    n_blocks = -(-len(xs) // rows)
    n_items = n_blocks * xs.shape[1]
    sums = np.empty((n_blocks, 2, x.shape[1]))
    in_parallel(loops.block_sums, n_items, x.size, dys, xs, terms, floor, rows, sums)
    _add_blocks(sums)
    return sums[0, 0], sums[0, 1]


def _floor(x: FloatArray, relu: bool) -> np.floating[Any] | None:
    return x.dtype.type(0) if relu else None


@compiled
def _inverse_std(var: FloatArray, eps: float, inv_std: FloatArray) -> None:
    for j in range(var.shape[0]):
        if var[j] + eps == 0.0:
            inv_std[j] = 0.0
        elif np.isinf(var[j]):
            inv_std[j] = np.nan
        else:
            inv_std[j] = 1.0 / np.sqrt(var[j] + eps)


@compiled
def _update_running(running: FloatArray, total: FloatArray, new: float, count: int) -> None:
    for j in range(running.shape[0]):
        old_term = (1 - new) * running[j] if new < 1 else 0.0
        new_term = new * (total[j] / count) if new > 0 else 0.0
        running[j] = old_term + new_term


@compiled
def _set_terms(
    mean: FloatArray, inv_std: FloatArray, gamma: FloatArray, beta: FloatArray, terms: FloatArray
) -> None:
    for j in range(mean.size):
        scale = gamma[j] * inv_std[j]
        terms[0, j] = mean[j]
        dropped = terms[0, j] - mean[j]
        terms[1, j] = inv_std[j]
        terms[2, j] = dropped * inv_std[j]
        terms[3, j] = scale
        terms[4, j] = beta[j] + dropped * scale


@compiled
def _add_blocks(sums: FloatArray) -> None:
    # Into the first, in their order.
    for block in range(1, sums.shape[0]):
        for i in range(2):
            for j in range(sums.shape[2]):
                sums[0, i, j] += sums[block, i, j]


@compiled
def _set_all_terms(
    terms: FloatArray, d_gamma: FloatArray, d_beta: FloatArray, m: int, all_terms: FloatArray
) -> None:
    all_terms[:5] = terms
    for j in range(d_beta.size):
        all_terms[5, j] = d_beta[j] / m
        all_terms[6, j] = d_gamma[j] / m
