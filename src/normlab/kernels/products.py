"""The products of dense layers, which compiled code calls by address.

Called by name they would be compiled once more in each of their callers. And those know nothing of
how rows are stored: as floats, or as bytes that stand for as many 255ths. They are known by the
address of the first, and each by where it begins behind that, so that the rows of a batch stay in
their dataset: nothing is copied. Bytes are a quarter of the floats that they stand for, and what a
training reads in each step stays in the caches: ``_tile`` has a table of the floats.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, int64, types
from numpy.typing import DTypeLike

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import call, code_of, vector
from normlab.kernels._compile import by_address, compiled_within, merged
from normlab.kernels._team import share_out
from normlab.kernels.gathered_product import (
    gathered_product,
    offsets,
    pack_transposed,
    packed,
    room_for,
)
from normlab.kernels.masks import GROUP, leave_out_enough, masks_of_rows
from normlab.kernels.picked_product import are_finite, picked_of_bytes, picked_of_floats

N_PRODUCTS = 8

GATHERED, ROWS, COLUMNS, TRANSPOSED, PANELS, PICKED, GROUPS, FLOATS = range(N_PRODUCTS)
"""Which code is where among ``products_of``: a product; parts of its rows; parts of the columns of
rows times a weight, and times one transposed; what packs such panels; a product that leaves out
what is 0; groups of rows of such a product; and what makes floats of bytes. The last three are 0
where they are not needed: without masks, and of rows that are floats."""

PART_ROWS = 48
"""Rows of a product that are one item of a thread's work: whole blocks."""

PACKED_K = 128
"""Rows of a weight that are packed at once: with as many columns as a thread takes at a time, they
stay in the second-level cache. Packed as a whole, a large weight would go to memory and back."""

PART_ELEMENTS = 2**18
"""Elements of a product that are written at a time, about: rows that long stay in the second-level
cache until all of their panels are written. A tenth off the gradient of 1,600 x 1,600 weights."""


@cache
def products_of(dtype: DTypeLike, stored: DTypeLike | None) -> IntArray:
    """Return the addresses of the products' code, compiled where need be; 0 where there is none.

    ``stored`` is the dtype of rows whose masks are known, or None.
    """
    return codes_of_kernels(product_kernels(dtype, stored))


def codes_of_kernels(kernels: list[Any]) -> IntArray:
    """Return the addresses of kernels; 0 of None."""
    return np.array([0 if kernel is None else code_of(*kernel) for kernel in kernels])


def product_kernels(dtype: DTypeLike, stored: DTypeLike | None) -> list[Any]:
    """Return the products and the types of their arguments, in the order of their codes."""
    vector, places, address = from_dtype(np.dtype(dtype))[::1], int64[::1], int64
    matrix, masks = from_dtype(np.dtype(dtype))[:, ::1], int64[:, ::1]
    factors, to = (vector, places, places, vector), (vector, vector, places)
    rows, part = (places, address, places), (int64, int64)
    found = [
        (gathered_product, *factors, int64, vector, places, vector, places),
        (multiply_rows, _tuple(places, *factors, vector, places, vector, places), *part),
        (multiply_columns, _tuple(*rows, vector, places, _tuple(*to)), masks, int64, int64, *part),
        (multiply_transposed, _tuple(places, matrix, matrix, matrix), int64, *part),
        (pack_transposed, matrix, int64, int64, vector),
    ]
    if stored is None:
        return [*found, None, None, None]
    panels = vector, int64, int64, vector, places, vector, places
    product = _tuple(places, places, *panels, masks)
    groups = multiply_groups, _tuple(*rows, masks, vector, _tuple(*to)), *part
    if np.dtype(stored) != np.uint8:
        return [*found, (picked_of_floats, address, product), groups, None]
    floats = floats_of_bytes, address, places, int64, int64, vector
    return [*found, (picked_of_bytes, address, product), groups, floats]


def _tuple(*kinds: Any) -> Any:
    pack: Any = types.BaseTuple
    return pack.from_types(kinds)


@by_address
def multiply_columns(
    product: Any, masks: IntArray, n: int, columns: int, first: int, stop: int
) -> None:
    """Set parts of so many of the n columns, first to stop, of the rows' product with a weight."""
    codes, x, row, weight, k_row, (all_start, all_y, y_row) = product
    column, bits = offsets(0, k_row.size, 1), masks_of_rows(masks)
    if not leave_out_enough(bits, column.size):
        bits = bits[:0]
    for begin in range(first * columns, min(n, stop * columns), columns):
        n_own, b, y = min(columns, n - begin), weight[begin:], all_y[begin:]
        start, start_row = all_start[begin:], offsets(0, row.size, 0)
        for k in range(0, column.size, PACKED_K):
            end = min(k + PACKED_K, column.size)
            panels, n_done = packed(b, k_row[k:end], n_own), 0
            if len(bits) > 0 and are_finite(panels):
                to = start, start_row, y, y_row
                call(codes[PICKED], (x, (row, column, panels, n_own, k, *to, bits)))
                n_done = len(bits) * GROUP
            if n_done < row.size:
                a, a_row, a_column = floats_of(codes, x, row[n_done:], k, end, b)
                rest = start, start_row[n_done:], y, y_row[n_done:]
                call(codes[GATHERED], (a, a_row, a_column, panels, n_own, *rest))
            start, start_row = y, y_row


@by_address
def multiply_transposed(product: Any, columns: int, first: int, stop: int) -> None:
    """Set parts of so many columns, first to stop, of y: rows' product with a weight transposed."""
    codes, x, weight, all_y = product
    n, n_k = weight.shape
    row, y_row = offsets(0, len(x), n_k), offsets(0, len(x), n)
    for begin in range(first * columns, min(n, stop * columns), columns):
        own, y = weight[begin : min(n, begin + columns)], all_y.reshape(-1)[begin:]
        start, start_row = np.zeros(len(own), y.dtype), offsets(0, len(x), 0)
        for k in range(0, n_k, PACKED_K):
            end = min(k + PACKED_K, n_k)
            factors = x.reshape(-1), row, offsets(k, end - k, 1), panels_of(codes, own, k, end)
            call(codes[GATHERED], (*factors, len(own), start, start_row, y, y_row))
            start, start_row = y, y_row


@compiled_within
def panels_of(codes: IntArray, b: FloatArray, first: int, stop: int) -> FloatArray:
    """Return the transpose of columns first to stop of ``b`` as panels."""
    panels = room_for(stop - first, len(b), b.dtype)
    call(codes[PANELS], (b, first, stop, panels))
    return panels


@by_address
def multiply_groups(product: Any, first: int, stop: int) -> None:
    """Set rows of ``out``: groups of columns of the rows, first to stop, times panels."""
    codes, x, row, bits, panels, (start, out, out_row) = product
    column = offsets(first * GROUP, (stop - first) * GROUP, 1)
    to = start, offsets(0, column.size, 0), out, out_row[first * GROUP : stop * GROUP]
    call(codes[PICKED], (x, (column, row, panels, start.size, 0, *to, bits[first:stop])))


@merged
def shared_product(
    team: IntArray,
    codes: IntArray,
    factors: tuple[FloatArray, IntArray, IntArray, FloatArray],
    start: FloatArray,
    out: FloatArray,
    out_row: IntArray,
) -> None:
    """Set rows of ``out`` to ``start``, the same for all, plus a product, in parts of rows.

    ``factors`` are a, row, col and panels.
    """
    product = codes, *factors, start, offsets(0, out_row.size, 0), out, out_row
    share_out(team, -(-out_row.size // PART_ROWS), codes[ROWS], (product,))


@by_address
def multiply_rows(product: Any, first: int, stop: int) -> None:
    """Set rows of ``out``, parts first to stop of them."""
    codes, a, row, col, panels, start, start_row, out, out_row = product
    n = start.size
    most = max(1, PART_ELEMENTS // (n * PART_ROWS))
    for begin in range(first, stop, most):
        part = slice(begin * PART_ROWS, min(begin + most, stop) * PART_ROWS)
        to = start, start_row[part], out, out_row[part]
        call(codes[GATHERED], (a, row[part], col, panels, n, *to))


@by_address
def floats_of_bytes(x: int, row: IntArray, first: int, stop: int, found: FloatArray) -> None:
    """Set the floats that elements first to stop of rows stand for, flat."""
    stored, dtype = vector(x, 0, np.uint8), found.dtype
    at = 0
    for i in range(row.size):
        for j in range(row[i] + first, row[i] + stop):
            found[at] = dtype.type(stored[j]) / dtype.type(255)
            at += 1


@compiled_within
def floats_of(
    codes: IntArray, x: int, row: IntArray, first: int, stop: int, like: FloatArray
) -> tuple[FloatArray, IntArray, IntArray]:
    """Return elements first to stop of rows as floats: flat, and the offsets of rows and columns.

    What are floats already stays where it is.
    """
    if codes[FLOATS] == 0:
        return vector(x, 0, like), row, offsets(first, stop - first, 1)
    column = offsets(0, stop - first, 1)
    found = np.empty(row.size * column.size, like.dtype)
    call(codes[FLOATS], (x, row, first, stop, found))
    return found, offsets(0, row.size, column.size), column
