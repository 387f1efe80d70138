"""Products that leave out terms which are 0.

``a``, ``row``, ``col``, ``start``, ``out`` and ``out_row`` are those of ``gathered_product``. Rows
are computed in groups of ``GROUP``, each with terms of its own: those of k = picks[first[g] :
stop[g]]. Which these are, ``picks`` says.
"""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import compiled, merged
from normlab.kernels._tile import MOST_VECTORS, tile
from normlab.kernels._vectors import VECTOR_BYTES, bits_other_than_0, everywhere, load
from normlab.kernels.gathered_product import gathered_product, packed, panel_vectors

GROUP = 4
"""Rows that have their terms in common: the fewer, the fewer terms they need."""

WIDE_BLOCK_K = 128
"""So many rows of ``packed_product``'s panels, 512 KB of 1,024 columns, stay in the second-level
cache."""

_group_1, _group_2, _group_3, _group_4 = (tile(GROUP, n, picked=True) for n in (1, 2, 3, 4))


@compiled
def picked_product(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    panels: FloatArray,
    n: int,
    before: int,
    start: FloatArray,
    start_row: IntArray,
    out: FloatArray,
    out_row: IntArray,
    picks: IntArray,
    first: IntArray,
    stop: IntArray,
) -> None:
    """Write the product of whole groups; ``panels``, with n columns, begin with k = ``before``."""
    lanes = VECTOR_BYTES // a.itemsize
    n_k = panels.size // (-(-n // lanes) * lanes)
    arrays = a, row, col, panels, start, start_row, out, out_row, picks
    for j in range(0, n, MOST_VECTORS * lanes):
        n_vectors = panel_vectors(n - j, lanes)
        panel, n_own = n_k * j - before * n_vectors * lanes, min(n_vectors * lanes, n - j)
        for g in range(first.size):
            place = g * GROUP, j, first[g], stop[g] - first[g], panel, n_own
            if n_vectors == 4:
                _group_4(*arrays, *place)
            elif n_vectors == 3:
                _group_3(*arrays, *place)
            elif n_vectors == 2:
                _group_2(*arrays, *place)
            else:
                _group_1(*arrays, *place)


@compiled
def are_finite(panels: FloatArray) -> bool:
    """Return whether there is neither NaN nor infinity in panels."""
    lanes, zero = VECTOR_BYTES // panels.itemsize, panels.dtype.type(0)
    nothing = everywhere(zero, load(panels, 0, lanes))
    p = q = r = s = nothing
    whole = panels.size // (4 * lanes) * (4 * lanes)
    for i in range(0, whole, 4 * lanes):  # of four sums, none waits for another
        p = p + load(panels, i, lanes) * nothing
        q = q + load(panels, i + lanes, lanes) * nothing
        r = r + load(panels, i + 2 * lanes, lanes) * nothing
        s = s + load(panels, i + 3 * lanes, lanes) * nothing
    for i in range(whole, panels.size, lanes):
        p = p + load(panels, i, lanes) * nothing
    finite: bool = bits_other_than_0((p + q) + (r + s)) == 0
    return finite


@merged
def packed_product(
    a: FloatArray,
    row: IntArray,
    col: IntArray,
    b: FloatArray,
    b_row: IntArray,
    block: IntArray,
    n: int,
    start: FloatArray,
    out: FloatArray,
    out_row: IntArray,
    picks: IntArray,
    ends: IntArray,
) -> None:
    """Write the product with n elements of rows of ``b`` into ``out``; all rows have one ``start``.

    They are packed block by block: packed at once, a large b would go to memory and back. Blocks
    begin at ``block``, but the last number, which is where they end. Groups of rows take ``picks``
    alone, if there are any, see ``picks``.
    """
    start_row = np.zeros_like(out_row)
    for i in range(block.size - 1):
        k, stop = block[i], block[i + 1]
        part, panels, n_done = col[k:stop], packed(b, b_row[k:stop], n), 0
        if len(picks) > 0 and are_finite(panels):
            picked = picks, ends[i], ends[i + 1]
            picked_product(a, row, col, panels, n, k, start, start_row, out, out_row, *picked)
            n_done = ends.shape[1] * GROUP
        rest = start_row[n_done:], out, out_row[n_done:]
        gathered_product(a, row[n_done:], part, panels, n, start, *rest)
        start, start_row = out, out_row
