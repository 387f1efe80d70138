"""Products that leave out terms which are 0, as masks say, see there.

``a``, ``row``, ``col``, ``start``, ``out`` and ``out_row`` are those of ``gathered_product``, but
``a``, known by its address, may have bytes. Rows are computed in groups of ``GROUP``, each with
terms of its own: those where its bits are 1.
"""

from typing import Any

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import vector
from normlab.kernels._compile import by_address, compiled, compiled_within, merged
from normlab.kernels._llvm import VECTOR_BYTES
from normlab.kernels._tile import MOST_VECTORS, tile
from normlab.kernels._vectors import (
    bits_other_than_0,
    everywhere,
    load,
    store_places,
)
from normlab.kernels.gathered_product import BLOCK_K, panel_vectors
from normlab.kernels.masks import GROUP, WORD

_group = tile(GROUP, GROUP, GROUP, GROUP, picked=True)


@by_address
def picked_of_floats(a: int, product: Any) -> None:
    """Write the product of whole groups.

    ``product`` are the other arguments of ``_multiply``, of which the panels have the dtype of a.
    """
    _multiply(vector(a, 0, product[2]), *product)


@by_address
def picked_of_bytes(a: int, product: Any) -> None:
    """Write the same product with bytes."""
    _multiply(vector(a, 0, np.uint8), *product)


@compiled_within
def _multiply(
    a: Any,
    row: IntArray,
    col: IntArray,
    panels: FloatArray,
    n: int,
    before: int,
    start: FloatArray,
    start_row: IntArray,
    out: FloatArray,
    out_row: IntArray,
    bits: IntArray,
) -> None:
    # The panels, with n columns, begin with k = before, a multiple of WORD.
    lanes, n_groups = VECTOR_BYTES // panels.itemsize, len(bits)
    n_k = panels.size // (-(-n // lanes) * lanes)
    picks = np.empty(n_groups * min(n_k, BLOCK_K) + WORD, np.int16)
    ends = np.empty(n_groups + 1, np.int64)
    for k in range(before, before + n_k, BLOCK_K):
        _pick(bits, k, min(k + BLOCK_K, before + n_k), picks, ends)
        arrays = a, row, col[k:], panels, start, start_row, out, out_row, picks
        for j in range(0, n, MOST_VECTORS * lanes):
            n_vectors = panel_vectors(n - j, lanes)
            panel, n_own = n_k * j + (k - before) * n_vectors * lanes, min(n_vectors * lanes, n - j)
            for g in range(n_groups):
                place = g * GROUP, j, ends[g], ends[g + 1] - ends[g], panel, n_own, n_vectors
                _group(*arrays, *place)
        start, start_row = out, out_row


@merged
def _pick(bits: IntArray, k: int, stop: int, picks: IntArray, ends: IntArray) -> None:
    """Set picks[ends[g] : ends[g + 1]]: which bits of a group are 1, counted from k on."""
    # All before the first product: what a tile needs first is there when it begins.
    ends[0] = 0
    for g in range(len(bits)):
        end = ends[g]
        for word in range(k // WORD, -(-stop // WORD)):
            end = store_places(picks, end, bits[g, word], word * WORD - k)
        ends[g + 1] = end


@compiled
def are_finite(panels: FloatArray) -> bool:
    """Return whether there is neither NaN nor infinity in panels."""
    lanes, found = VECTOR_BYTES // panels.itemsize, 0
    nothing = everywhere(panels.dtype.type(0), load(panels, 0, lanes))
    for i in range(0, panels.size, lanes):
        found |= bits_other_than_0(load(panels, i, lanes) * nothing)
    return found == 0
