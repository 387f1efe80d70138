"""The compiled loops of ``kernels.batch_norm``, whose formulas and terms they take.

``x``, ``dy``, ``y``, ``dx`` lie ``in_lanes``, but in ``..._maps`` as they are, ``(n, n_features,
positions)``: what needs no sums goes through them in the order of memory. Where an output is at
most ``floor``, it is 0 and passes no gradient: 0 for a ReLU; without one NaN, or None where that
saves work. All but ``normalized`` are called by address.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import float64, from_dtype, int64, types
from numpy.typing import DTypeLike

from normlab._typing import FloatArray
from normlab.kernels._by_address import code_of
from normlab.kernels._compile import by_address, compiled, compiled_within, merged
from normlab.kernels._vectors import choose, everywhere, load, prefetch, store
from normlab.kernels.blocks import WALKED_ROWS, least_lanes, next_rows, stay_in_cache


@cache
def normalize_code(dtype: DTypeLike, n_dims: int) -> int:
    """Return the address of what normalizes rows, 2 dimensions, or maps; compiled where need be."""
    return code_of(*loop_kernel(normalize if n_dims == 2 else normalize_maps, dtype))


@cache
def backward_codes(dtype: DTypeLike, n_dims: int, floor: bool) -> tuple[int, int]:
    """Return the addresses of what takes sums and input gradients, in the same way.

    Without floor, it is None.
    """
    gradient = loop_kernel(input_gradient if n_dims == 2 else input_gradient_maps, dtype, floor)
    return code_of(*loop_kernel(block_sums, dtype, floor)), code_of(*gradient)


def loop_kernel(loop: Callable[..., None], dtype: DTypeLike, floor: bool = True) -> tuple[Any, ...]:
    """Return the loop and the types of its arguments."""
    number = from_dtype(np.dtype(dtype))
    lanes, maps, terms = number[:, :, :, ::1], number[:, :, ::1], number[:, ::1]
    least = number if floor else types.none
    arguments = {
        normalize: (lanes, terms, number, lanes),
        normalize_maps: (maps, terms, number, maps),
        block_sums: (lanes, lanes, terms, least, int64, float64[:, :, ::1]),
        input_gradient: (lanes, lanes, terms, least, lanes),
        input_gradient_maps: (maps, maps, terms, least, maps),
    }
    return loop, *arguments[loop], int64, int64


@compiled_within
def _of_lanes(terms: FloatArray, group: int, n_groups: int, n_lanes: int) -> FloatArray:
    """Return the terms of a group's features as they take turns in its lanes."""
    if n_groups == 1 and n_lanes == terms.shape[1]:
        return terms
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


@by_address
def normalize(
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any],
    y: FloatArray,
    first: int,
    stop: int,
) -> None:
    """Set y, in lanes."""
    n_lanes, n = x.shape[3], least_lanes(x)
    own = _of_lanes(terms, 0, 1, n_lanes).reshape(-1)
    from_x, to_y = x.reshape(-1), y.reshape(-1)
    if stay_in_cache(x):
        for begin in range(first, stop, WALKED_ROWS):
            end = min(stop, begin + WALKED_ROWS)
            for lane in range(0, n_lanes, n):
                _normalize_down(from_x, own, floor, to_y, n_lanes, n, lane, begin, end)
    else:
        for i in range(first, stop):
            for lane in range(0, n_lanes, n):
                _normalize_down(from_x, own, floor, to_y, n_lanes, n, lane, i, i + 1)


@merged
def _normalize_down(
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any],
    y: FloatArray,
    n_lanes: int,
    n: int,
    lane: int,
    first: int,
    stop: int,
) -> None:
    # The lanes of one vector, down some rows: what they need stays in registers.
    j = min(lane, n_lanes - n)
    center, scale = load(terms, j, n), load(terms, 3 * n_lanes + j, n)
    shift = load(terms, 4 * n_lanes + j, n)
    least = everywhere(floor, shift)
    for i in range(first, stop):
        at = i * n_lanes + j
        found = (load(x, at, n) - center) * scale + shift
        store(y, at, n, choose(found, least, found, least))


@by_address
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


@by_address
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


@merged
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
    # from, not dy: no load of dy waits for x.
    d_gamma[:] = 0.0
    d_beta[:] = 0.0
    n_rows, n_groups, n_runs, n_lanes = x.shape
    totals, weights = np.empty(n_lanes, x.dtype), np.empty(n_lanes, x.dtype)
    from_dy, from_x, own, n = dy.reshape(-1), x.reshape(-1), terms.reshape(-1), least_lanes(x)
    row_size = n_groups * n_runs * n_lanes
    for run in range(n_runs):
        for first in range(0, n_rows, 8):
            for begin_lane in range(0, n_lanes, n):
                j = min(begin_lane, n_lanes - n)
                center, factor = load(own, j, n), load(own, n_lanes + j, n)
                rest, scale = load(own, 2 * n_lanes + j, n), load(own, 3 * n_lanes + j, n)
                shift = load(own, 4 * n_lanes + j, n)
                total = weighted = everywhere(x.dtype.type(0), shift)
                at = first * row_size + (group * n_runs + run) * n_lanes + j
                ahead, step = next_rows(x, at, j)
                for _ in range(min(8, n_rows - first)):
                    g, d = load(from_dy, at, n), load(from_x, at, n) - center
                    more, most = total + g, weighted + g * (d * factor + rest)
                    if floor is not None:
                        y, least = d * scale + shift, everywhere(floor, shift)
                        total = choose(y, least, more, total)
                        weighted = choose(y, least, most, weighted)
                    else:
                        total, weighted = more, most
                    prefetch(from_dy, ahead)
                    prefetch(from_x, ahead)
                    at += row_size
                    ahead += step
                store(totals, j, n, total)
                store(weights, j, n, weighted)
            for j in range(n_lanes):
                d_beta[j] += totals[j]
                d_gamma[j] += weights[j]


@by_address
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
    n_lanes, n = x.shape[3], least_lanes(x)
    own = _of_lanes(terms, 0, 1, n_lanes).reshape(-1)
    from_dy, from_x, to_dx = dy.reshape(-1), x.reshape(-1), dx.reshape(-1)
    if stay_in_cache(x):
        for begin in range(first, stop, WALKED_ROWS):
            end = min(stop, begin + WALKED_ROWS)
            for lane in range(0, n_lanes, n):
                _gradient_down(from_dy, from_x, own, floor, to_dx, n_lanes, n, lane, begin, end)
    else:
        for i in range(first, stop):
            for lane in range(0, n_lanes, n):
                _gradient_down(from_dy, from_x, own, floor, to_dx, n_lanes, n, lane, i, i + 1)


@merged
def _gradient_down(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    dx: FloatArray,
    n_lanes: int,
    n: int,
    lane: int,
    first: int,
    stop: int,
) -> None:
    j = min(lane, n_lanes - n)
    center, factor = load(terms, j, n), load(terms, n_lanes + j, n)
    rest, scale = load(terms, 2 * n_lanes + j, n), load(terms, 3 * n_lanes + j, n)
    shift, mean_dy = load(terms, 4 * n_lanes + j, n), load(terms, 5 * n_lanes + j, n)
    slope = load(terms, 6 * n_lanes + j, n)
    for i in range(first, stop):
        at = i * n_lanes + j
        d, change = load(x, at, n) - center, load(dy, at, n) - mean_dy
        if floor is not None:
            # Chosen from differences, not dy: no load of dy waits for x.
            least, nothing = everywhere(floor, shift), everywhere(x.dtype.type(0), shift)
            change = choose(d * scale + shift, least, change, nothing - mean_dy)
        x_hat = d * factor + rest
        store(dx, at, n, scale * (change - x_hat * slope))


@by_address
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
