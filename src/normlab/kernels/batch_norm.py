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


def inverse_std(var: FloatArray, eps: float) -> FloatArray:
    """Return 1 / sqrt(var + eps), and 0 where var + eps is 0 (then x_hat is 0 too)."""
    inv_std = np.empty_like(var)
    _inverse_std(var, eps, inv_std)
    return inv_std


def normalize(
    x: FloatArray, mean: FloatArray, inv_std: FloatArray, gamma: FloatArray, beta: FloatArray
) -> FloatArray:
    """Return y = gamma (x - mean) inv_std + beta."""
    y = np.empty_like(x)
    if is_large(x):
        _normalize_blocks(x, mean, inv_std, gamma, beta, y, block_rows(x.shape[1], x.itemsize))
    else:
        _normalize_block(x, mean, inv_std, gamma, beta, y, 0, len(x))
    return y


def backward_batch(
    dy: FloatArray, x: FloatArray, mean: FloatArray, inv_std: FloatArray, gamma: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, d_gamma, d_beta where ``mean`` and ``inv_std`` come from ``x`` itself."""
    d_gamma, d_beta = _parameter_gradients(dy, x, mean, inv_std)
    dx = np.empty_like(x)
    if is_large(x):
        rows = block_rows(x.shape[1], x.itemsize)
        _dx_blocks(dy, x, mean, inv_std, gamma, d_gamma, d_beta, dx, rows)
    else:
        _dx_block(dy, x, mean, inv_std, gamma, d_gamma, d_beta, dx, 0, len(x))
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
    rows = block_rows(n_features, x.itemsize)
    n_blocks = -(-n_rows // rows)
    d_gammas = np.empty((n_blocks, n_features))
    d_betas = np.empty((n_blocks, n_features))
    if is_large(x):
        _sums_blocks(dy, x, mean, inv_std, d_gammas, d_betas, rows)
    else:
        for block, start in enumerate(range(0, n_rows, rows)):
            stop = min(start + rows, n_rows)
            _sums_block(dy, x, mean, inv_std, d_gammas[block], d_betas[block], start, stop)
    return d_gammas.sum(axis=0), d_betas.sum(axis=0)


@compiled
def _inverse_std(var: FloatArray, eps: float, inv_std: FloatArray) -> None:
    for j in range(var.shape[0]):
        inv_std[j] = 0.0 if var[j] + eps == 0.0 else 1.0 / np.sqrt(var[j] + eps)


@compiled
def _affine(
    x: FloatArray, mean: FloatArray, inv_std: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    # x_hat = (x - center) factor + rest, in the dtype of x. Rounding the mean to float32 first
    # would be off by half a deviation at an offset of 1e7; what the rounding drops is in `rest`.
    center = np.empty(mean.shape[0], x.dtype)
    factor = np.empty(mean.shape[0], x.dtype)
    rest = np.empty(mean.shape[0], x.dtype)
    for j in range(mean.shape[0]):
        center[j] = mean[j]
        factor[j] = inv_std[j]
        rest[j] = (center[j] - mean[j]) * inv_std[j]
    return center, factor, rest


@compiled_parallel
def _normalize_blocks(
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    gamma: FloatArray,
    beta: FloatArray,
    y: FloatArray,
    rows: int,
) -> None:
    for block in prange(-(-x.shape[0] // rows)):
        start = block * rows
        stop = min(start + rows, x.shape[0])
        _normalize_block(x, mean, inv_std, gamma, beta, y, start, stop)


@compiled
def _normalize_block(
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    gamma: FloatArray,
    beta: FloatArray,
    y: FloatArray,
    start: int,
    stop: int,
) -> None:
    center, scale, shift = _affine(x, mean, inv_std)
    for j in range(x.shape[1]):
        scale[j] = gamma[j] * inv_std[j]
        shift[j] = beta[j] + gamma[j] * shift[j]
    for i in range(start, stop):
        for j in range(x.shape[1]):
            y[i, j] = (x[i, j] - center[j]) * scale[j] + shift[j]


@compiled_parallel
def _sums_blocks(
    dy: FloatArray,
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    d_gammas: FloatArray,
    d_betas: FloatArray,
    rows: int,
) -> None:
    for block in prange(d_gammas.shape[0]):
        start = block * rows
        stop = min(start + rows, x.shape[0])
        _sums_block(dy, x, mean, inv_std, d_gammas[block], d_betas[block], start, stop)


@compiled
def _sums_block(
    dy: FloatArray,
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    d_gamma: FloatArray,
    d_beta: FloatArray,
    start: int,
    stop: int,
) -> None:
    # Four rows in the dtype of x, then one float64 addition, as in the moments.
    center, factor, rest = _affine(x, mean, inv_std)
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
def _dx_blocks(
    dy: FloatArray,
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    gamma: FloatArray,
    d_gamma: FloatArray,
    d_beta: FloatArray,
    dx: FloatArray,
    rows: int,
) -> None:
    for block in prange(-(-x.shape[0] // rows)):
        start = block * rows
        stop = min(start + rows, x.shape[0])
        _dx_block(dy, x, mean, inv_std, gamma, d_gamma, d_beta, dx, start, stop)


@compiled
def _dx_block(
    dy: FloatArray,
    x: FloatArray,
    mean: FloatArray,
    inv_std: FloatArray,
    gamma: FloatArray,
    d_gamma: FloatArray,
    d_beta: FloatArray,
    dx: FloatArray,
    start: int,
    stop: int,
) -> None:
    m = x.shape[0]
    center, factor, rest = _affine(x, mean, inv_std)
    scale = np.empty_like(center)
    mean_dy = np.empty_like(center)
    slope = np.empty_like(center)
    for j in range(x.shape[1]):
        scale[j] = gamma[j] * inv_std[j]
        mean_dy[j] = d_beta[j] / m
        slope[j] = d_gamma[j] / m
    for i in range(start, stop):
        for j in range(x.shape[1]):
            x_hat = (x[i, j] - center[j]) * factor[j] + rest[j]
            dx[i, j] = scale[j] * (dy[i, j] - mean_dy[j] - x_hat * slope[j])
