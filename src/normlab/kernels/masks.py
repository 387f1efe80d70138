"""Which elements of rows are not 0: products leave out the terms of the others.

Of MNIST's pixels four fifths are 0. Rows of a product that are computed together, ``GROUP`` of
them, need terms only where one of them is not 0: four images in line two fifths of the columns; in
the gradient of the weights, four pixels in line a quarter of the images. What is added by others is
0, and changes no bit of a sum, if the other factor is finite.

Masks are ``(n, n_words)``, int64: bit c % WORD of word c // WORD is 1 where element c of a row is
not 0. Those of no rows say nothing.
"""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import compiled, compiled_within
from normlab.kernels._llvm import VECTOR_BYTES
from normlab.kernels._vectors import bits_other_than_0, everywhere, load, n_bits

WORD = 64

GROUP = 4
"""Rows that have their terms in common: the fewer, the fewer terms they need."""

DENSEST = 0.75
"""Above this share of terms that groups need, nothing is left out: blocks of more rows are
faster."""

UNKNOWN = np.empty((0, 0), np.int64)
"""The masks of rows of which nothing is known."""


def masks_of(x: FloatArray) -> IntArray:
    """Return the masks of rows, ``(n, n_features)``."""
    masks = np.zeros((len(x), -(-x.shape[1] // WORD)), np.int64)
    masks_into(x, masks)
    return masks


@compiled
def masks_into(x: FloatArray, masks: IntArray) -> None:
    """Set masks, which are 0."""
    # Returned to Python, an array would now and then lose a Ctrl-C: while NumPy wraps it.
    n, n_features = x.shape
    flat, lanes = x.reshape(-1), VECTOR_BYTES // x.itemsize
    for i in range(n):
        for column in range(0, n_features, lanes):
            own = load(flat, i * n_features + column, n_features - column)
            masks[i, column // WORD] |= bits_other_than_0(own) << (column % WORD)


@compiled_within
def masks_of_rows(masks: IntArray) -> IntArray:
    """Return the masks of groups of rows: where one of them is not 0."""
    n_words = masks.shape[1]
    found = np.empty((len(masks) // GROUP, n_words), np.int64)
    for g in range(len(found)):
        for word in range(n_words):
            bits = masks[g * GROUP, word]
            for i in range(1, GROUP):
                bits |= masks[g * GROUP + i, word]
            found[g, word] = bits
    return found


@compiled_within
def masks_of_columns(masks: IntArray, n_columns: int) -> IntArray:
    """Return the masks of groups of columns: in which rows one of them is not 0."""
    n, n_groups, half = len(masks), n_columns // GROUP, np.empty(len(masks), np.int32)
    found = np.zeros((n_groups, -(-n // WORD)), np.int64)
    lanes, own = VECTOR_BYTES // half.itemsize, np.int32((1 << GROUP) - 1)
    for first in range(0, n_groups, 32 // GROUP):
        word, shift = first * GROUP // WORD, first * GROUP % WORD
        for i in range(n):
            half[i] = np.int32(masks[i, word] >> shift)
        for g in range(first, min(n_groups, first + 32 // GROUP)):
            bits_of_group = np.int32(own << ((g - first) * GROUP))
            for i in range(0, n, lanes):
                rows = load(half, i, n - i)
                bits = bits_other_than_0(rows & everywhere(bits_of_group, rows))
                found[g, i // WORD] |= bits << (i % WORD)
    return found


@compiled_within
def leave_out_enough(masks: IntArray, n: int) -> bool:
    """Return whether to leave out what is 0, of n elements a row, pays."""
    n_needed = 0
    for i in range(len(masks)):
        for word in range(masks.shape[1]):
            n_needed += n_bits(masks[i, word])
    return n_needed <= DENSEST * len(masks) * n
