"""Which elements of x are not 0, and which terms that leaves of its products.

Of MNIST's pixels four fifths are 0. Rows of a product that are computed together, ``GROUP`` of
them, need terms only where one of them is not 0: those of four images in line 0.6 of the columns
that are used at all; in the gradient of the weights, those of four pixels 0.35 of the images. What
is added by others is 0, and changes no bit of a sum, if the other factor is finite.

Masks are ``(n, n_words)``, int64: bit c % WORD of word c // WORD is 1 where element c of a row is
not 0. Groups are masks with a bit for GROUP columns in line.
"""

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.kernels._compile import compiled, compiled_within
from normlab.kernels._vectors import VECTOR_BYTES, bits_other_than_0, load, lowest_bit, n_bits
from normlab.kernels.columns import blocks
from normlab.kernels.picked_product import GROUP, WIDE_BLOCK_K

WORD = 64

DENSEST = 0.5
"""Above this share of elements that are not 0, in columns that are used, nothing is picked."""

MOST_USED = 2**15 - 1
"""The largest int16."""

NO_COLUMNS = np.empty(0, np.int16), np.empty((0, 0), np.int64)
NO_ROWS = np.empty(0, np.int16), np.empty(0, np.int64)


# What Python calls returns numbers at most: while NumPy wraps arrays, Ctrl-C would be lost.


def masks_of(x: FloatArray) -> IntArray:
    """Return the masks of rows, ``(n, n_features)``."""
    masks = np.zeros((len(x), -(-x.shape[1] // WORD)), np.int64)
    masks_into(x, masks)
    return masks


def groups_of(masks: IntArray) -> IntArray:
    """Return the groups of rows that have these masks."""
    groups = np.zeros((len(masks), -(-masks.shape[1] // GROUP)), np.int64)
    groups_into(masks, groups)
    return groups


def picked_columns(masks: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return which columns have something other than 0, and which of them groups of rows need.

    Those of group g are used[picks[ends[b, g] : ends[b + 1, g]]], of each of ``columns.blocks`` b.
    Where x is not sparse, or too wide, there are no picks.
    """
    n_groups, n_columns = len(masks) // GROUP, masks.shape[1] * WORD
    used, picks = np.empty(n_columns, np.int64), np.empty(n_groups * n_columns, np.int16)
    ends = np.zeros((-(-n_columns // WIDE_BLOCK_K) + 1, n_groups), np.int64)
    n_used, n_picks = picked_columns_into(masks, used, picks, ends)
    return used[:n_used].copy(), picks[:n_picks].copy(), ends


@compiled
def masks_into(x: FloatArray, masks: IntArray) -> None:
    """Set masks, which are 0."""
    n, n_features = x.shape
    flat, lanes = x.reshape(-1), VECTOR_BYTES // x.itemsize
    for i in range(n):
        for column in range(0, n_features, lanes):
            own = load(flat, i * n_features + column, n_features - column)
            masks[i, column // WORD] |= bits_other_than_0(own) << (column % WORD)


@compiled
def groups_into(masks: IntArray, groups: IntArray) -> None:
    """Set groups, which are 0."""
    n, n_words = masks.shape
    for i in range(n):
        for word in range(n_words):
            bits = masks[i, word]
            while bits != 0:
                group = (word * WORD + lowest_bit(bits)) // GROUP
                groups[i, group // WORD] |= np.int64(1) << (group % WORD)
                bits &= bits - 1


@compiled
def picked_columns_into(
    masks: IntArray, all_used: IntArray, picks: IntArray, ends: IntArray
) -> tuple[int, int]:
    """Set what ``picked_columns`` returns, and return how many are used, and picked."""
    numbers, n = np.arange(len(masks)), 0
    used = used_of(masks, numbers)
    block, place = blocks(used), np.empty(masks.shape[1] * WORD, np.int16)
    for k in range(used.size):
        all_used[k] = used[k]
    if used.size > MOST_USED or not is_sparse(masks, numbers, used.size):
        return used.size, 0
    for k in range(used.size):
        place[used[k]] = k
    for g in range(ends.shape[1]):
        b = 0
        for word in range(masks.shape[1]):
            while (
                b < block.size - 1 and used[block[b]] // WIDE_BLOCK_K * WIDE_BLOCK_K <= word * WORD
            ):
                ends[b, g] = n
                b += 1
            bits = masks[g * GROUP, word]
            for i in range(1, GROUP):
                bits |= masks[g * GROUP + i, word]
            while bits != 0:
                picks[n] = place[word * WORD + lowest_bit(bits)]
                n += 1
                bits &= bits - 1
        ends[b, g] = n
    return used.size, n


@compiled_within
def used_of(masks: IntArray, numbers: IntArray) -> IntArray:
    """Return which columns have something other than 0 in rows of these numbers."""
    found, n_found = np.empty(masks.shape[1] * WORD, np.int64), 0
    for word in range(masks.shape[1]):
        bits = np.int64(0)
        for i in numbers:
            bits |= masks[i, word]
        while bits != 0:
            found[n_found] = word * WORD + lowest_bit(bits)
            n_found += 1
            bits &= bits - 1
    return found[:n_found]


@compiled_within
def is_sparse(masks: IntArray, numbers: IntArray, n_used: int) -> bool:
    """Return whether picking pays."""
    n = 0
    for i in numbers:
        for word in range(masks.shape[1]):
            n += n_bits(masks[i, word])
    return n <= DENSEST * numbers.size * n_used


@compiled_within
def pick_rows(groups: IntArray, numbers: IntArray, picks: IntArray, counts: IntArray) -> None:
    """Set which of n rows, of these numbers, groups of columns need: picks[g n : counts[g]]."""
    for g in range(counts.size):
        counts[g] = g * numbers.size
    for i in range(numbers.size):
        for word in range(groups.shape[1]):
            bits = groups[numbers[i], word]
            while bits != 0:
                g = word * WORD + lowest_bit(bits)
                picks[counts[g]] = i
                counts[g] += 1
                bits &= bits - 1
