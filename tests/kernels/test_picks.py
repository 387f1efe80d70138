"""Terms that are picked, against all of them; and which ones are picked, against NumPy."""

from typing import Any

import numpy as np
import pytest

from kernels.shapes import Array
from normlab.kernels import dense, picks
from normlab.kernels._compile import compiled
from normlab.kernels._team import new_team
from normlab.kernels.picked_product import GROUP

DTYPES = ["uint8", "float32", "float64"]


def sparse(n_rows: int, n_features: int, dtype: str, share: float = 0.1) -> Array:
    """Return rows of which most elements are 0, and some columns."""
    rng = np.random.default_rng(n_features)
    x = rng.integers(1, 9, (n_rows, n_features)) * (rng.random((n_rows, n_features)) < share)
    x[:, 20:150] = 0
    return x.astype(dtype)


@compiled
def rows_of(groups: Array, numbers: Array, n: int) -> Any:
    found, counts = np.empty(n * numbers.size, np.int16), np.empty(n, np.int64)
    picks.pick_rows(groups, numbers, found, counts)
    return found, counts


@compiled
def used_of(masks: Array, numbers: Array) -> Any:
    return picks.used_of(masks, numbers)


@pytest.mark.parametrize("n_features", [1, 63, 64, 65, 300, 517])
@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_have_a_bit_for_each_element_other_than_0(dtype: str, n_features: int) -> None:
    x = sparse(9, n_features, dtype, share=0.5)
    bits = np.unpackbits(picks.masks_of(x).view(np.uint8), axis=1, bitorder="little")
    np.testing.assert_array_equal(bits[:, :n_features], x != 0)
    assert not bits[:, n_features:].any()
    groups = np.unpackbits(
        picks.groups_of(picks.masks_of(x)).view(np.uint8), axis=1, bitorder="little"
    )
    for group in range(-(-n_features // GROUP)):
        own = x[:, GROUP * group : GROUP * (group + 1)]
        np.testing.assert_array_equal(groups[:, group], own.any(axis=1))


def test_nan_and_infinity_are_not_0() -> None:
    x = np.zeros((4, 70), "float32")
    x[1, 3], x[2, 69] = np.nan, -np.inf
    masks = picks.masks_of(x)
    assert used_of(masks, np.arange(4)).tolist() == [3, 69]
    assert used_of(masks, np.array([1, 1])).tolist() == [3]


@pytest.mark.parametrize("n_features", [37, 300, 700])
def test_groups_of_rows_have_the_columns_that_one_of_them_needs(n_features: int) -> None:
    x = sparse(22, n_features, "float32")
    used, picked, ends = picks.picked_columns(picks.masks_of(x))
    np.testing.assert_array_equal(used, np.flatnonzero(x.any(axis=0)))
    assert ends.shape[1] == 22 // GROUP
    for group in range(22 // GROUP):
        needed = np.flatnonzero(x[GROUP * group : GROUP * (group + 1)].any(axis=0))
        found = used[picked[ends[0, group] : ends[-1, group]]]
        np.testing.assert_array_equal(found, needed)


def test_groups_of_columns_have_the_rows_where_one_of_them_is_not_0() -> None:
    x, numbers = sparse(50, 300, "float32"), np.array([3, 49, 3, 0, 17, 8])
    picked, counts = rows_of(picks.groups_of(picks.masks_of(x)), numbers, 128)
    for group in range(300 // GROUP):
        own = x[numbers, GROUP * group : GROUP * (group + 1)]
        begin = group * numbers.size
        assert picked[begin : counts[group]].tolist() == np.flatnonzero(own.any(axis=1)).tolist()


def test_nothing_is_picked_where_few_elements_are_0() -> None:
    x = np.ones((8, 40), "float32")
    x[::3, ::5] = 0
    used, picked, _ = picks.picked_columns(picks.masks_of(x))
    assert len(used) == 40
    assert len(picked) == 0


def products(x: Array, weight: Array, dy: Array, *, picked: bool) -> list[Array]:
    """Return y and d_weight."""
    flat, row, column, used = dense.laid_out(x)
    columns: Any = picks.NO_COLUMNS
    rows: Any = picks.NO_ROWS
    if picked:
        masks = picks.masks_of(x)
        used, *columns = picks.picked_columns(masks)
        rows = rows_of(picks.groups_of(masks), np.arange(len(x)), masks.shape[1] * 64)
        assert len(columns[0]) > 0
    y, d_weight = np.empty_like(dy), np.empty_like(weight)
    start, none = np.full(weight.shape[1], 0.5, x.dtype), np.empty(0, x.dtype)
    team, gathered = new_team(), (flat, row, column, used)
    forward: Any = dense.forward_into
    forward(team, *gathered, *columns, weight, start, y)
    backward: Any = dense.backward_parameters_into
    backward(team, dy, *gathered, *rows, d_weight, none)
    return [y, d_weight]


def factors(n_rows: int, n_features: int, n_outputs: int, dtype: str) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(1)
    weight, dy = (
        rng.standard_normal((n_features, n_outputs)),
        rng.standard_normal((n_rows, n_outputs)),
    )
    return sparse(n_rows, n_features, dtype), weight.astype(dtype), dy.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(16, 160, 1), (20, 300, 100), (23, 303, 40), (50, 700, 130)])
def test_terms_that_are_left_out_change_no_bit(sizes: tuple[int, int, int], dtype: str) -> None:
    given = factors(*sizes, dtype)
    found, expected = products(*given, picked=True), products(*given, picked=False)
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_zeros_do_not_hide_what_is_not_finite(value: float) -> None:
    x, weight, dy = factors(20, 300, 100, "float32")
    weight[7, 3], weight[100, 5], dy[4, 6] = value, value, value
    assert (x[:, 7] == 0).any()
    with np.errstate(invalid="ignore"):
        expected = x @ weight + 0.5, x.T @ dy
    for ours, theirs in zip(products(x, weight, dy, picked=True), expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        assert np.isnan(ours).any()


def test_rows_of_zeros_give_the_bias_and_no_gradient() -> None:
    x, weight, dy = factors(20, 300, 100, "float32")
    x[:19] = 0
    y, d_weight = products(x, weight, dy, picked=True)
    assert (y[:19] == 0.5).all()
    np.testing.assert_array_equal(d_weight[x[19] == 0], 0)
