"""The compiled loops of ``kernels.batch_norm``, whose formulas and terms they take.

``x``, ``dy``, ``y``, ``dx`` lie ``in_lanes``, but in ``..._maps`` as they are, ``(n, n_features,
positions)``: what needs no sums goes through them in the order of memory. Where an output is at
most ``floor``, it is 0 and passes no gradient: 0 for a ReLU; without one NaN, or None where that
saves work. All but ``normalized`` are called by address.

What goes through vectors is a function within the one that is called: so LLVM optimizes it twice,
and only then makes a loop of its own for rows that are walked one by one. Merged instead, large
arrays took up to 1.9 times as long, moments a tenth longer.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import float64, from_dtype, int64, types
from numpy.typing import DTypeLike

from normlab._typing import FloatArray
from normlab.kernels._by_address import code_of
from normlab.kernels._compile import by_address, compiled, compiled_within
from normlab.kernels._vectors import choose, everywhere, load, prefetch, store
from normlab.kernels.blocks import add_turns, next_rows, take_turns, vector_lanes, walked_rows


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
        take_turns(found[i], n_features)
    return found


@compiled
def normalized(x: Any, center: Any, scale: Any, shift: Any, floor: Any) -> Any:
    """Return y of one x."""
    y = (x - center) * scale + shift
    return floor if y <= floor else y


@by_address
def normalize(*arguments: Any) -> None:
    """Set y, in lanes: ``_normalize(x, terms, floor, y, first, stop)``."""
    _normalize(*arguments)


@compiled_within
def _normalize(
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any],
    y: FloatArray,
    first: int,
    stop: int,
) -> None:
    n_lanes = x.shape[3]
    own = _of_lanes(terms, 0, 1, n_lanes).reshape(-1)
    from_x, to_y, n = x.reshape(-1), y.reshape(-1), vector_lanes(x)
    n_rows = walked_rows(x)
    for begin in range(first, stop, n_rows):
        for begin_lane in range(0, n_lanes, n):
            j = min(begin_lane, n_lanes - n)
            center, scale = load(own, j, n), load(own, 3 * n_lanes + j, n)
            shift = load(own, 4 * n_lanes + j, n)
            least = everywhere(floor, shift)
            for i in range(begin, min(stop, begin + n_rows)):
                at = i * n_lanes + j
                found = (load(from_x, at, n) - center) * scale + shift
                store(to_y, at, n, choose(found, least, found, least))


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
    # Made once: of maps of few positions, to make it for each block took a sixth of the time.
    of_rows = np.empty((2, n_lanes), x.dtype)
    for i in range(first, stop):
        block, group = divmod(i, n_groups)
        start = block * rows
        own = _of_lanes(terms, group, n_groups, n_lanes)
        part = dy[start : start + rows], x[start : start + rows]
        _add_products(*part, group, own, floor, d_gamma, d_beta, of_rows)
        found = sums[block].reshape(2, n_groups, n_features)
        add_turns(d_gamma, n_features)
        add_turns(d_beta, n_features)
        for j in range(n_features):
            found[0, group, j], found[1, group, j] = d_gamma[j], d_beta[j]


@compiled_within
def _add_products(
    dy: FloatArray,
    x: FloatArray,
    group: int,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    d_gamma: FloatArray,
    d_beta: FloatArray,
    of_rows: FloatArray,
) -> None:
    # Eight rows in the dtype of x, then one float64 addition, as in the moments. Sums are chosen
    # from, not dy: no load of dy waits for x.
    d_gamma[:] = 0.0
    d_beta[:] = 0.0
    n_rows, n_groups, n_runs, n_lanes = x.shape
    totals, weights = of_rows[0], of_rows[1]
    from_dy, from_x, own, n = dy.reshape(-1), x.reshape(-1), terms.reshape(-1), vector_lanes(x)
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
def input_gradient(*arguments: Any) -> None:
    """Set dx, in lanes: ``_input_gradient(dy, x, terms, floor, dx, first, stop)``."""
    _input_gradient(*arguments)


@compiled_within
def _input_gradient(
    dy: FloatArray,
    x: FloatArray,
    terms: FloatArray,
    floor: np.floating[Any] | None,
    dx: FloatArray,
    first: int,
    stop: int,
) -> None:
    n_lanes = x.shape[3]
    own = _of_lanes(terms, 0, 1, n_lanes).reshape(-1)
    from_dy, from_x, to_dx, n = dy.reshape(-1), x.reshape(-1), dx.reshape(-1), vector_lanes(x)
    n_rows = walked_rows(x)
    for begin in range(first, stop, n_rows):
        for begin_lane in range(0, n_lanes, n):
            j = min(begin_lane, n_lanes - n)
            center, factor = load(own, j, n), load(own, n_lanes + j, n)
            rest, scale = load(own, 2 * n_lanes + j, n), load(own, 3 * n_lanes + j, n)
            shift, mean_dy = load(own, 4 * n_lanes + j, n), load(own, 5 * n_lanes + j, n)
            slope = load(own, 6 * n_lanes + j, n)
            for i in range(begin, min(stop, begin + n_rows)):
                at = i * n_lanes + j
                d, change = load(from_x, at, n) - center, load(from_dy, at, n) - mean_dy
                if floor is not None:
                    # Chosen from differences, not dy: no load of dy waits for x.
                    least, nothing = everywhere(floor, shift), everywhere(x.dtype.type(0), shift)
                    change = choose(d * scale + shift, least, change, nothing - mean_dy)
                x_hat = d * factor + rest
                store(to_dx, at, n, scale * (change - x_hat * slope))


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
