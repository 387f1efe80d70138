"""What is 0, against NumPy; and products without it, against those with all terms."""

from typing import Any

import numpy as np
import pytest

from kernels.shapes import Array
from normlab.kernels import arrays, dense, masks
from normlab.kernels._compile import compiled
from normlab.kernels._team import new_team
from normlab.kernels.gathered_product import BLOCK_K
from normlab.kernels.masks import GROUP, UNKNOWN
from normlab.kernels.products import products_of

DTYPES = ["uint8", "float32", "float64"]


def sparse(n_rows: int, n_features: int, dtype: str, share: float = 0.1) -> Array:
    """Return rows of which most elements are 0, and some columns: bytes, or 255ths."""
    rng = np.random.default_rng(n_features)
    x = rng.integers(1, 256, (n_rows, n_features)) * (rng.random((n_rows, n_features)) < share)
    x[:, 20:150] = 0
    return x.astype(dtype) if dtype == "uint8" else np.divide(x, 255, dtype=dtype)


@compiled
def of_rows(found: Array) -> Array:
    return masks.masks_of_rows(found)


@compiled
def of_columns(found: Array, n_columns: int) -> Array:
    return masks.masks_of_columns(found, n_columns)


@compiled
def leave_out_enough(found: Array, n: int) -> bool:
    return masks.leave_out_enough(found, n)


def bits(found: Array) -> Array:
    """Return masks with an element a bit."""
    return np.unpackbits(found.view(np.uint8), axis=1, bitorder="little")


@pytest.mark.parametrize("n_features", [1, 63, 64, 65, 300, 517])
@pytest.mark.parametrize("dtype", DTYPES)
def test_masks_have_a_bit_for_each_element_other_than_0(dtype: str, n_features: int) -> None:
    x = sparse(9, n_features, dtype, share=0.5)
    found = bits(masks.masks_of(x))
    np.testing.assert_array_equal(found[:, :n_features], x != 0)
    assert not found[:, n_features:].any()


def test_nan_and_infinity_are_not_0_and_minus_0_is() -> None:
    x = np.zeros((4, 70), "float32")
    x[1, 3], x[2, 69], x[3, 5] = np.nan, -np.inf, -0.0
    assert np.argwhere(bits(masks.masks_of(x))).tolist() == [[1, 3], [2, 69]]


@pytest.mark.parametrize("n_rows", [3, 4, 22, 100])
@pytest.mark.parametrize("n_features", [3, 37, 300])
def test_groups_have_what_one_of_them_has(n_features: int, n_rows: int) -> None:
    x = sparse(n_rows, n_features, "float32", share=0.3)
    found = masks.masks_of(x)
    rows, columns = bits(of_rows(found)), bits(of_columns(found, n_features))
    assert (len(rows), len(columns)) == (n_rows // GROUP, n_features // GROUP)
    for g in range(len(rows)):
        expected = x[GROUP * g : GROUP * (g + 1)].any(axis=0)
        np.testing.assert_array_equal(rows[g, :n_features], expected)
    for g in range(len(columns)):
        expected = x[:, GROUP * g : GROUP * (g + 1)].any(axis=1)
        np.testing.assert_array_equal(columns[g, :n_rows], expected)
        assert not columns[g, n_rows:].any()


@pytest.mark.parametrize(("n_zeros", "enough"), [(1, False), (9, False), (10, True), (40, True)])
def test_a_quarter_must_be_left_out(n_zeros: int, enough: bool) -> None:
    x = np.ones((1, 40), "float32")
    x[:, :n_zeros] = 0
    assert leave_out_enough(masks.masks_of(x), 40) == enough


def products(x: Array, weight: Array, dy: Array, found: Array) -> list[Array]:
    """Return y and d_weight."""
    place, row = arrays.address(x), np.arange(len(x)) * x.shape[1]
    y, d_weight = np.empty_like(dy), np.empty_like(weight)
    start, none = np.full(weight.shape[1], 0.5, dy.dtype), np.empty(0, dy.dtype)
    first, given = (new_team(1), products_of(dy.dtype, x.dtype)), (place, row, found)
    forward: Any = dense.forward_into
    forward(*first, *given, weight, start, y)
    backward: Any = dense.backward_parameters_into
    backward(*first, dy, *given, d_weight, none)
    return [y, d_weight]


def factors(n_rows: int, n_features: int, n_outputs: int, dtype: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((n_features, n_outputs))
    dy = rng.standard_normal((n_rows, n_outputs))
    return weight.astype(dtype), dy.astype(dtype)


SIZES = [(16, 160, 1), (20, 300, 100), (23, 303, 40), (50, 700, 130), (BLOCK_K + 70, 90, 20)]


@pytest.mark.parametrize("stored", [None, "uint8"], ids=["floats", "bytes"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [0.1, 0.9])
@pytest.mark.parametrize("sizes", SIZES)
def test_terms_that_are_left_out_change_no_bit(
    sizes: tuple[int, int, int], share: float, dtype: str, stored: str | None
) -> None:
    others = factors(*sizes, dtype)
    x = sparse(*sizes[:2], stored or dtype, share)
    expected = products(sparse(*sizes[:2], dtype, share), *others, UNKNOWN)
    for known in (masks.masks_of(x), UNKNOWN):
        found = products(x, *others, known)
        assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_lie_anywhere_and_may_repeat(dtype: str) -> None:
    x, numbers = sparse(30, 300, dtype), np.random.default_rng(0).integers(0, 30, 17)
    weight, dy = factors(17, 300, 9, dtype)
    y, known = np.empty_like(dy), masks.masks_of(x)[numbers]
    start = np.zeros(9, dtype)
    forward: Any = dense.forward_into
    first = new_team(1), products_of(dy.dtype, x.dtype)
    forward(*first, arrays.address(x), numbers * 300, known, weight, start, y)
    np.testing.assert_allclose(y, x[numbers] @ weight, atol=1e-5)


@pytest.mark.parametrize("stored", ["float32", "uint8"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_zeros_do_not_hide_what_is_not_finite(value: float, stored: str) -> None:
    weight, dy = factors(20, 300, 100, "float32")
    x, floats = sparse(20, 300, stored), sparse(20, 300, "float32")
    weight[7, 3], weight[100, 5], dy[4, 6] = value, value, value
    assert (x[:, 7] == 0).any()
    with np.errstate(invalid="ignore"):
        expected = floats @ weight + 0.5, floats.T @ dy
    found = products(x, weight, dy, masks.masks_of(x))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        assert np.isnan(ours).any()


def test_rows_of_zeros_give_the_bias_and_no_gradient() -> None:
    x, (weight, dy) = sparse(20, 300, "float32"), factors(20, 300, 100, "float32")
    x[:19] = 0
    y, d_weight = products(x, weight, dy, masks.masks_of(x))
    assert (y[:19] == 0.5).all()
    np.testing.assert_array_equal(d_weight[x[19] == 0], 0)
