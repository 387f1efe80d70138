"""The moments of columns against their twin, and the laws of their merge."""

from math import prod

import numpy as np
import pytest

from kernels.shapes import (
    LARGE,
    LARGE_MAP_SHAPES,
    LARGE_SHAPES,
    MAP_SHAPES,
    SHAPES,
    Array,
    as_rows,
    n_blocks,
    rows,
)
from normlab.kernels.blocks import in_lanes
from normlab.kernels.moments import Moments, moments
from reference import moments as twin

# The pivot is subtracted in the dtype of x, and up to eight values are summed in it.
TOLERANCE = {"float32": 1e-6, "float64": 1e-13}


def test_the_shapes_reach_every_path() -> None:
    for shapes in (SHAPES + LARGE_SHAPES, MAP_SHAPES + LARGE_MAP_SHAPES):
        counts = [n_blocks(shape, itemsize) for shape in shapes for itemsize in (4, 8)]
        assert min(counts) == 1
        assert max(counts) > 2
        runs = {in_lanes(np.empty(shape)).shape[2] for shape in shapes}
        assert (len(runs) > 1) == (len(shapes[0]) == 3)
    assert all(prod(shape) >= LARGE for shape in LARGE_SHAPES + LARGE_MAP_SHAPES)
    assert not all(prod(shape) >= LARGE for shape in SHAPES + MAP_SHAPES)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES + LARGE_SHAPES + MAP_SHAPES + LARGE_MAP_SHAPES)
def test_moments_are_those_of_the_twin(shape: tuple[int, ...], dtype: str, offset: float) -> None:
    x = rows(shape, dtype, seed=1, offset=offset)
    found = moments(x)
    x = as_rows(x)
    var = twin.var(x)
    # Each merge of blocks rounds the mean once more, up or down.
    merges = np.sqrt(16 + n_blocks(shape, x.itemsize))
    rounding = TOLERANCE[dtype] * np.sqrt(var) + merges * np.spacing(offset)
    np.testing.assert_array_less(np.abs(found.mean - twin.mean(x)), rounding)
    np.testing.assert_allclose(found.var(), var, rtol=4 * TOLERANCE[dtype])
    assert found.count == len(x)


def test_moments_of_float32_are_float64() -> None:
    found = moments(rows((10, 3), "float32", seed=0))
    assert found.mean.dtype == found.M2.dtype == np.float64


def test_moments_of_one_row_are_the_row_and_zero() -> None:
    x = rows((1, 4), "float64", seed=0)
    np.testing.assert_array_equal(moments(x).mean, x[0])
    np.testing.assert_array_equal(moments(x).M2, 0)


def test_unbiased_variance_divides_by_one_less() -> None:
    x = rows((10, 3), "float64", seed=0)
    np.testing.assert_allclose(moments(x).var(ddof=1), x.var(axis=0, ddof=1), rtol=1e-13)


@pytest.mark.parametrize("value", [0.1, -7.3e-39, 1e30, 3e38])
@pytest.mark.parametrize("shape", [(2, 3), (1003, 100), LARGE_SHAPES[2]])
def test_constant_columns_have_exactly_their_value_and_zero(
    shape: tuple[int, int], value: float
) -> None:
    x = np.full(shape, value, dtype=np.float32)
    np.testing.assert_array_equal(moments(x).mean, x[0].astype(np.float64))
    np.testing.assert_array_equal(moments(x).M2, 0)


@pytest.mark.parametrize("shape", [(40, 3), (20_001, 3)])
def test_a_column_that_overflows_float32_squares_keeps_its_variance(
    shape: tuple[int, int],
) -> None:
    x = (rows(shape, "float64", seed=4) * 1e30).astype(np.float32)
    np.testing.assert_allclose(moments(x).var(), twin.var(x), rtol=1e-6)


@pytest.mark.parametrize("shape", [(400, 3), (20_001, 3), (100, 3, 49), (2, 3, 400)])
@pytest.mark.parametrize("distance", [2.0, 1e3, 1e6])
def test_a_pivot_far_from_the_mean_costs_the_variance_no_digits(
    shape: tuple[int, ...], distance: float
) -> None:
    """The pivot comes from the first values: here they lie apart from all others."""
    x = rows(shape, "float32", seed=10)
    x[:8, ..., :8] += distance
    np.testing.assert_allclose(moments(x).var(), twin.var(as_rows(x)), rtol=1e-6)


@pytest.mark.parametrize("wild", [np.nan, np.inf, 1e30])
def test_a_wild_column_leaves_the_bits_of_the_others(wild: float) -> None:
    x = rows((50, 3), "float32", seed=5)
    x[:, 2] = 0.1
    alone = moments(x)
    x[7, 0] = wild
    beside = moments(x)
    np.testing.assert_array_equal(beside.mean[1:], alone.mean[1:])
    np.testing.assert_array_equal(beside.M2[1:], alone.M2[1:])


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 7, 19])
def test_nan_and_infinity_give_a_variance_of_nan(wild: float, row: int) -> None:
    x = rows((20, 2), "float64", seed=6)
    x[row, 1] = wild
    assert np.isnan(moments(x).M2[1])


def merged(parts: list[Array]) -> Moments:
    whole = moments(parts[0])
    for part in parts[1:]:
        whole = whole.merge(moments(part))
    return whole


def assert_same(a: Moments, b: Moments, scale: Array) -> None:
    assert a.count == b.count
    np.testing.assert_array_less(np.abs(a.mean - b.mean), 1e-14 * scale)
    np.testing.assert_allclose(a.M2, b.M2, rtol=1e-12)


@pytest.mark.parametrize(
    "cuts", [[1], [50], [99], [10, 20, 30], [1, 2, 98, 99], list(range(1, 100))]
)
def test_any_split_merges_to_the_moments_of_the_whole(cuts: list[int]) -> None:
    x = rows((100, 3), "float64", seed=7, offset=30.0)
    assert_same(merged(np.split(x, cuts)), moments(x), np.abs(x).max(axis=0))


def test_merging_is_associative_to_rounding() -> None:
    a, b, c = (moments(part) for part in np.split(rows((60, 3), "float64", seed=8), [5, 25]))
    assert_same(a.merge(b).merge(c), a.merge(b.merge(c)), np.ones(3))


def test_merging_is_commutative_to_rounding() -> None:
    a, b = (moments(part) for part in np.split(rows((60, 3), "float64", seed=9), [7]))
    assert_same(a.merge(b), b.merge(a), np.ones(3))


def test_merging_changes_neither_part() -> None:
    a, b = (moments(part) for part in np.split(rows((60, 3), "float64", seed=9), [7]))
    before = [array.copy() for array in (a.mean, a.M2, b.mean, b.M2)]
    a.merge(b)
    for array, copy in zip((a.mean, a.M2, b.mean, b.M2), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_merging_constants_is_exact() -> None:
    a, b = moments(np.full((3, 2), 0.1)), moments(np.full((7, 2), 0.1))
    np.testing.assert_array_equal(a.merge(b).mean, 0.1)
    np.testing.assert_array_equal(a.merge(b).M2, 0)


def test_merging_counts_whose_product_overflows_int64() -> None:
    a = Moments(2**40, np.zeros(1), np.zeros(1))
    b = Moments(2**40, np.full(1, 2.0), np.zeros(1))
    assert a.merge(b).mean == 1.0
    assert a.merge(b).var() == 1.0
