"""Batch normalization of rows: forward and backward.

Shapes: ``x``, ``y``, ``dy``, ``dx`` are ``(m, n_features)``, C-contiguous, of one dtype; ``mean``
and ``inv_std`` are ``(n_features,)`` in float64; ``gamma``, ``beta`` are ``(n_features,)``.

Forward (Ioffe & Szegedy 2015, "Batch Normalization", Algorithm 1)::

    inv_std = 1 / sqrt(var + eps)
    x_hat   = (x - mean) inv_std
    y       = gamma x_hat + beta

Backward with batch statistics, where mean and inv_std depend on x::

    d_beta  = sum(dy)
    d_gamma = sum(dy x_hat)
    dx      = gamma inv_std (dy - d_beta / m - x_hat d_gamma / m)

With fixed statistics the last two terms vanish: ``dx = gamma inv_std dy``.

``x_hat`` is computed again in the backward pass instead of kept: reading x costs as much as
reading x_hat, and writing it costs nothing when it is not written.
"""

import numpy as np
from numba import prange

from normlab._typing import FloatArray
from normlab.kernels._compile import block_rows, compiled, compiled_parallel, is_large
from normlab.kernels.moments import Moments


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


def normalize(
    x: FloatArray, mean: FloatArray, inv_std: FloatArray, gamma: FloatArray, beta: FloatArray
) -> FloatArray:
    """Return y = gamma (x - mean) inv_std + beta."""
    terms = _normalize_terms(x, mean, inv_std, gamma, beta)
    y = np.empty_like(x)
    if is_large(x):
        _normalize_blocks(x, terms, y, block_rows(x.shape[1], x.itemsize))
    else:
        _normalize_rows(x, terms, y, 0, len(x))
    return y


def backward_batch(
    dy: FloatArray, x: FloatArray, mean: FloatArray, inv_std: FloatArray, gamma: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where ``mean`` and ``inv_std`` come from ``x`` itself."""
    d_gamma, d_beta = _parameter_gradients(dy, x, mean, inv_std)
    terms = _dx_terms(x, mean, inv_std, gamma, d_gamma, d_beta)
    dx = np.empty_like(x)
    if is_large(x):
        _dx_blocks(dy, x, terms, dx, block_rows(x.shape[1], x.itemsize))
    else:
        _dx_rows(dy, x, terms, dx, 0, len(x))
    return dx, d_gamma, d_beta


def backward_fixed(
    dy: FloatArray, x: FloatArray, mean: FloatArray, inv_std: FloatArray, gamma: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where ``mean`` and ``inv_std`` do not depend on ``x``."""
    d_gamma, d_beta = _parameter_gradients(dy, x, mean, inv_std)
    dx = dy * (gamma * inv_std).astype(dy.dtype)
    return dx, d_gamma, d_beta


def _parameter_gradients(
    dy: FloatArray, x: FloatArray, mean: FloatArray, inv_std: FloatArray
) -> tuple[FloatArray, FloatArray]:
    n_rows, n_features = x.shape
    terms = _x_hat_terms(x, mean, inv_std)
    rows = block_rows(n_features, x.itemsize)
    n_blocks = -(-n_rows // rows)
    d_gammas = np.empty((n_blocks, n_features))
    d_betas = np.empty((n_blocks, n_features))
    if is_large(x):
        _sums_blocks(dy, x, terms, d_gammas, d_betas, rows)
    else:
        for block, start in enumerate(range(0, n_rows, rows)):
            stop = min(start + rows, n_rows)
            _sums_rows(dy, x, terms, d_gammas[block], d_betas[block], start, stop)
    if n_blocks == 1:
        return d_gammas[0], d_betas[0]
    return d_gammas.sum(axis=0), d_betas.sum(axis=0)


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


# What a row needs of each feature is worked out once, in float64, and kept in the dtype of x as
# the rows of `terms`, so that the loops over x stay in one dtype.


@compiled
def _x_hat_terms(x: FloatArray, mean: FloatArray, inv_std: FloatArray) -> FloatArray:
    # x_hat = (x - terms[0]) terms[1] + terms[2]. A float32 mean alone would be off by half a
    # deviation at an offset of 1e7; what its rounding drops is in terms[2].
    terms = np.empty((3, mean.shape[0]), x.dtype)
    for j in range(mean.shape[0]):
        terms[0, j] = mean[j]
        terms[1, j] = inv_std[j]
        terms[2, j] = (terms[0, j] - mean[j]) * inv_std[j]
    return terms


@compiled
def _normalize_terms(
    x: FloatArray, mean: FloatArray, inv_std: FloatArray, gamma: FloatArray, beta: FloatArray
) -> FloatArray:
    # y = (x - terms[0]) terms[1] + terms[2]
    terms = np.empty((3, mean.shape[0]), x.dtype)
    for j in range(mean.shape[0]):
        scale = gamma[j] * inv_std[j]
        terms[0, j] = mean[j]
        terms[1, j] = scale
        terms[2, j] = beta[j] + (terms[0, j] - mean[j]) * scale
    return terms


@compiled
def _dx_terms(
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    gamma: FloatArray,
    d_gamma: FloatArray,
    d_beta: FloatArray,
) -> FloatArray:
    # x_hat as above; dx = terms[3] (dy - terms[4] - x_hat terms[5])
    terms = np.empty((6, mean.shape[0]), x.dtype)
    terms[:3] = _x_hat_terms(x, mean, inv_std)
    for j in range(mean.shape[0]):
        terms[3, j] = gamma[j] * inv_std[j]
        terms[4, j] = d_beta[j] / x.shape[0]
        terms[5, j] = d_gamma[j] / x.shape[0]
    return terms


@compiled_parallel
def _normalize_blocks(x: FloatArray, terms: FloatArray, y: FloatArray, rows: int) -> None:
    for block in prange(-(-x.shape[0] // rows)):
        start = block * rows
        _normalize_rows(x, terms, y, start, min(start + rows, x.shape[0]))


@compiled
def _normalize_rows(x: FloatArray, terms: FloatArray, y: FloatArray, start: int, stop: int) -> None:
    center, scale, shift = terms[0], terms[1], terms[2]
    for i in range(start, stop):
        for j in range(x.shape[1]):
            y[i, j] = (x[i, j] - center[j]) * scale[j] + shift[j]


@compiled_parallel
def _sums_blocks(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    d_gammas: FloatArray,
    d_betas: FloatArray,
    rows: int,
) -> None:
    for block in prange(d_gammas.shape[0]):
        start = block * rows
        stop = min(start + rows, x.shape[0])
        _sums_rows(dy, x, terms, d_gammas[block], d_betas[block], start, stop)


@compiled
def _sums_rows(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    d_gamma: FloatArray,
    d_beta: FloatArray,
    start: int,
    stop: int,
) -> None:
    # Four rows in the dtype of x, then one float64 addition, as in the moments.
    center, factor, rest = terms[0], terms[1], terms[2]
    whole = start + (stop - start) // 4 * 4
    d_gamma[:] = 0.0
    d_beta[:] = 0.0
    for i in range(start, whole, 4):
        for j in range(x.shape[1]):
            total = dy[i, j]
            weighted = dy[i, j] * ((x[i, j] - center[j]) * factor[j] + rest[j])
            for k in range(1, 4):
                total += dy[i + k, j]
                weighted += dy[i + k, j] * ((x[i + k, j] - center[j]) * factor[j] + rest[j])
            d_beta[j] += total
            d_gamma[j] += weighted
    for i in range(whole, stop):
        for j in range(x.shape[1]):
            d_beta[j] += dy[i, j]
            d_gamma[j] += dy[i, j] * ((x[i, j] - center[j]) * factor[j] + rest[j])


@compiled_parallel
def _dx_blocks(dy: FloatArray, x: FloatArray, terms: FloatArray, dx: FloatArray, rows: int) -> None:
    for block in prange(-(-x.shape[0] // rows)):
        start = block * rows
        _dx_rows(dy, x, terms, dx, start, min(start + rows, x.shape[0]))


@compiled
def _dx_rows(
    dy: FloatArray, x: FloatArray, terms: FloatArray, dx: FloatArray, start: int, stop: int
) -> None:
    center, factor, rest = terms[0], terms[1], terms[2]
    scale, mean_dy, slope = terms[3], terms[4], terms[5]
    for i in range(start, stop):
        for j in range(x.shape[1]):
            x_hat = (x[i, j] - center[j]) * factor[j] + rest[j]
            dx[i, j] = scale[j] * (dy[i, j] - mean_dy[j] - x_hat * slope[j])
