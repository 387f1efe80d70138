"""The compiled loops of ``kernels.batch_norm``, whose formulas and terms they take.

``x``, ``dy``, ``y``, ``dx`` lie ``in_lanes``, but in ``..._maps`` as they are, ``(n, n_features,
positions)``: what needs no sums goes through them in the order of memory. Where an output is at
most ``floor``, it is 0 and passes no gradient: 0 for a ReLU; without one NaN, or None where that
saves work.
"""

from typing import Any

import numpy as np

from normlab._typing import FloatArray
from normlab.kernels._compile import compiled, compiled_within


@compiled_within
def _of_lanes(terms: FloatArray, group: int, n_groups: int, n_lanes: int) -> FloatArray:
    """Return the terms of a group's features as they take turns in its lanes."""
    n_features = terms.shape[1] // n_groups
    found = np.empty((terms.shape[0], n_lanes), terms.dtype)
    for i in range(terms.shape[0]):
        own = terms[i].reshape(n_groups, n_features)[group]
        for lane in range(n_features):
            found[i, lane] = own[lane]
        for lane in range(n_features, n_lanes):
            found[i, lane] = found[i, lane - n_features]
    return found


@compiled
def normalized(x: Any, center: Any, scale: Any, shift: Any, floor: Any) -> Any:
    """Return y of one x."""
    y = (x - center) * scale + shift
    return floor if y <= floor else y


@compiled_within
def normalize(
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any],
    y: FloatArray,
    first: int,
    stop: int,
) -> None:
    """Set y, in lanes."""
    _, n_groups, n_runs, n_lanes = x.shape
    for group in range(n_groups):
        own = _of_lanes(terms, group, n_groups, n_lanes)
        center, scale, shift = own[0], own[3], own[4]
        for i in range(first, stop):
            for run in range(n_runs):
                for j in range(n_lanes):
                    own_x = x[i, group, run, j]
                    y[i, group, run, j] = normalized(own_x, center[j], scale[j], shift[j], floor)


@compiled_within
def normalize_maps(
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any],
    y: FloatArray,
    first: int,
    stop: int,
) -> None:
    """Set y, as it lies in memory."""
    # In the order of memory, which lanes of a group are not: up to six times as fast.
    for i in range(first, stop):
        for f in range(x.shape[1]):
            center, scale, shift = terms[0, f], terms[3, f], terms[4, f]
            for j in range(x.shape[2]):
                y[i, f, j] = normalized(x[i, f, j], center, scale, shift, floor)


@compiled_within
def block_sums(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    rows: int,
    sums: FloatArray,
    first: int,
    stop: int,
) -> None:
    """Set sums, ``(n_blocks, 2, n_features)``: d_gamma and d_beta of blocks first to stop."""
    n_groups, n_lanes = x.shape[1], x.shape[3]
    n_features = terms.shape[1] // n_groups
    d_gamma, d_beta = np.empty(n_lanes), np.empty(n_lanes)
    for i in range(first, stop):
        block, group = divmod(i, n_groups)
        start = block * rows
        own = _of_lanes(terms, group, n_groups, n_lanes)
        _add_products(
            dy[start : start + rows], x[start : start + rows], group, own, floor, d_gamma, d_beta
        )
        found = sums[block].reshape(2, n_groups, n_features)
        for j in range(n_features):
            found[0, group, j], found[1, group, j] = d_gamma[j], d_beta[j]
            for lane in range(n_features + j, n_lanes, n_features):
                found[0, group, j] += d_gamma[lane]
                found[1, group, j] += d_beta[lane]


@compiled_within
def _add_products(
    dy: FloatArray,
    x: FloatArray,
    group: int,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    d_gamma: FloatArray,
    d_beta: FloatArray,
) -> None:
    # Eight rows in the dtype of x, then one float64 addition, as in the moments. Sums are chosen
    # from, not dy: LLVM would load dy under a mask that waits for x, and from memory that takes
    # three times as long.
    center, factor, rest, scale, shift = terms[0], terms[1], terms[2], terms[3], terms[4]
    zero = x.dtype.type(0)
    d_gamma[:] = 0.0
    d_beta[:] = 0.0
    totals, weights = np.empty_like(center), np.empty_like(center)
    n_rows, n_groups, n_runs, n_lanes = x.shape
    groups = n_rows // 8
    whole = groups * 8
    x8 = x[:whole].reshape(groups, 8, n_groups, n_runs, n_lanes)
    dy8 = dy[:whole].reshape(groups, 8, n_groups, n_runs, n_lanes)
    for run in range(n_runs):
        for i in range(groups):
            for j in range(n_lanes):
                total = zero
                weighted = zero
                for k in range(8):
                    g = dy8[i, k, group, run, j]
                    d = x8[i, k, group, run, j] - center[j]
                    more = weighted + g * (d * factor[j] + rest[j])
                    passes = True
                    if floor is not None:
                        passes = not d * scale[j] + shift[j] <= floor
                    total = total + g if passes else total
                    weighted = more if passes else weighted
                totals[j], weights[j] = total, weighted
            for j in range(n_lanes):
                d_beta[j] += totals[j]
                d_gamma[j] += weights[j]
        for i in range(whole, n_rows):
            for j in range(n_lanes):
                g = dy[i, group, run, j]
                d = x[i, group, run, j] - center[j]
                passes = True
                if floor is not None:
                    passes = not d * scale[j] + shift[j] <= floor
                if passes:
                    d_beta[j] += g
                    d_gamma[j] += g * (d * factor[j] + rest[j])


@compiled_within
def input_gradient(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    dx: FloatArray,
    first: int,
    stop: int,
) -> None:
    """Set dx, in lanes."""
    zero = x.dtype.type(0)
    _, n_groups, n_runs, n_lanes = x.shape
    for group in range(n_groups):
        own = _of_lanes(terms, group, n_groups, n_lanes)
        center, factor, rest, scale, shift = own[0], own[1], own[2], own[3], own[4]
        mean_dy, slope = own[5], own[6]
        for i in range(first, stop):
            for run in range(n_runs):
                for j in range(n_lanes):
                    d = x[i, group, run, j] - center[j]
                    # Chosen from differences, not dy: no load of dy waits for x.
                    change = dy[i, group, run, j] - mean_dy[j]
                    if floor is not None and d * scale[j] + shift[j] <= floor:
                        change = zero - mean_dy[j]
                    x_hat = d * factor[j] + rest[j]
                    dx[i, group, run, j] = scale[j] * (change - x_hat * slope[j])


@compiled_within
def input_gradient_maps(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    dx: FloatArray,
    first: int,
    stop: int,
) -> None:
    """Set dx, as it lies in memory."""
    zero = x.dtype.type(0)
    for i in range(first, stop):
        for f in range(x.shape[1]):
            center, factor, rest = terms[0, f], terms[1, f], terms[2, f]
            scale, shift = terms[3, f], terms[4, f]
            mean_dy, slope = terms[5, f], terms[6, f]
            for j in range(x.shape[2]):
                d = x[i, f, j] - center
                change = dy[i, f, j] - mean_dy
                if floor is not None and d * scale + shift <= floor:
                    change = zero - mean_dy
                x_hat = d * factor + rest
                dx[i, f, j] = scale * (change - x_hat * slope)
