"""The pooling kernels against their twins, window by window."""

from collections.abc import Callable

import numba
import numpy as np
import pytest

from kernels.shapes import LARGE, Array, rows
from normlab.kernels import batch_norm, pooling
from normlab.kernels.threads import threads
from normlab.kernels.windows import Windows
from reference import pooling as twin

TOLERANCE = {"float32": 1e-6, "float64": 1e-14}

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def draw_windows(seed: int) -> tuple[tuple[int, ...], Windows]:
    """Return a random input shape and windows on it: any overlap, gaps, padding and rest."""
    rng = np.random.default_rng(seed)
    size, stride = rng.integers(1, 5, 2), rng.integers(1, 5, 2)
    before = rng.integers(0, size)
    image = size + rng.integers(0, 7, 2)
    output = (image + 2 * before - size) // stride + 1
    down, across, first, n_windows = (tuple(map(int, v)) for v in (size, stride, before, output))
    shape = (int(rng.integers(1, 4)), int(image[0]), int(image[1]), int(rng.integers(1, 20)))
    # All are pairs, which ``map`` does not say.
    return shape, Windows(down, across, first, n_windows, shape[1:3])  # type: ignore[arg-type]


GEOMETRIES = [draw_windows(seed) for seed in range(40)]
every_geometry = pytest.mark.parametrize(("shape", "windows"), GEOMETRIES)


def upstream(shape: tuple[int, ...], windows: Windows, dtype: str = "float64") -> Array:
    return rows((shape[0], *windows.output, shape[3]), dtype, seed=2)


def max_both_ways(x: Array, dy: Array, windows: Windows) -> tuple[Array, Array]:
    y, winner = pooling.max_forward(x, windows)
    return y, pooling.max_backward(dy, winner, windows)


def average_both_ways(x: Array, dy: Array, windows: Windows) -> tuple[Array, Array]:
    return pooling.average_forward(x, windows), pooling.average_backward(dy, windows)


BothWays = Callable[[Array, Array, Windows], tuple[Array, Array]]
both_poolings = pytest.mark.parametrize("both_ways", [max_both_ways, average_both_ways])


def test_the_geometries_overlap_and_leave_gaps_pad_and_leave_rests() -> None:
    strides_by_size = {np.sign(w.stride[d] - w.size[d]) for _, w in GEOMETRIES for d in (0, 1)}
    assert strides_by_size == {-1, 0, 1}
    assert {w.before[0] > 0 for _, w in GEOMETRIES} == {True, False}
    rests = [(s[1] + 2 * w.before[0] - w.size[0]) % w.stride[0] for s, w in GEOMETRIES]
    assert {rest > 0 for rest in rests} == {True, False}


@both_dtypes
@every_geometry
def test_maxima_and_their_gradient_are_those_of_the_twin(
    shape: tuple[int, ...], windows: Windows, dtype: str
) -> None:
    x, dy = rows(shape, dtype, seed=1), upstream(shape, windows, dtype)
    y, dx = max_both_ways(x, dy, windows)
    expected = twin.maximum(x, dy, windows[:4])
    assert [y.dtype, dx.dtype] == [np.dtype(dtype)] * 2
    np.testing.assert_array_equal(y, expected[0])
    np.testing.assert_allclose(dx, expected[1], atol=16 * TOLERANCE[dtype])


@both_dtypes
@every_geometry
def test_maxima_of_a_normalization_are_those_of_the_rectified_bit_for_bit(
    shape: tuple[int, ...], windows: Windows, dtype: str
) -> None:
    x, terms = rows(shape, dtype, seed=1), rows((5, shape[3]), dtype, seed=3)
    x.reshape(-1)[::7] = np.nan
    rectified = batch_norm.normalize(x.reshape(-1, shape[3]), terms, relu=True).reshape(shape)
    found, expected = (
        pooling.max_forward(x, windows, terms),
        pooling.max_forward(rectified, windows),
    )
    assert [array.tobytes() for array in found] == [array.tobytes() for array in expected]


@both_dtypes
@every_geometry
def test_averages_and_their_gradient_are_those_of_the_twin(
    shape: tuple[int, ...], windows: Windows, dtype: str
) -> None:
    x, dy = rows(shape, dtype, seed=1), upstream(shape, windows, dtype)
    y, dx = average_both_ways(x, dy, windows)
    expected = twin.average(x, dy, windows[:4])
    assert [y.dtype, dx.dtype] == [np.dtype(dtype)] * 2
    np.testing.assert_allclose(y, expected[0], atol=TOLERANCE[dtype])
    np.testing.assert_allclose(dx, expected[1], atol=16 * TOLERANCE[dtype])


@every_geometry
def test_of_ties_nan_and_infinity_the_twin_s_cell_takes_the_gradient(
    shape: tuple[int, ...], windows: Windows
) -> None:
    values = np.array([-np.inf, -1.0, 0.0, 1.0, np.inf, np.nan])
    x = np.random.default_rng(3).choice(values, shape, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    dy = upstream(shape, windows)
    y, dx = max_both_ways(x, dy, windows)
    expected = twin.maximum(x, dy, windows[:4])
    np.testing.assert_array_equal(y, expected[0])
    np.testing.assert_allclose(dx, expected[1], atol=1e-13)


@pytest.mark.parametrize(("side", "dtype"), [(16, "uint8"), (17, "uint16")])
def test_winners_have_the_smallest_type_that_numbers_all_cells(side: int, dtype: str) -> None:
    x = np.arange(2.0 * side**2).reshape(1, side, side, 2)
    windows = Windows((side, side), (1, 1), (0, 0), (1, 1), (side, side))
    y, winner = pooling.max_forward(x, windows)
    assert winner.dtype == dtype
    np.testing.assert_array_equal(winner.reshape(-1), [side**2 - 1] * 2)
    dx = pooling.max_backward(y, winner, windows)
    np.testing.assert_array_equal(np.flatnonzero(dx), [2 * side**2 - 2, 2 * side**2 - 1])


@both_dtypes
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 7, 5), (4, 784, 3)])
def test_global_averages_and_their_gradient_are_those_of_the_twin(
    shape: tuple[int, int, int], dtype: str
) -> None:
    n, n_cells, channels = shape
    x, dy = rows(shape, dtype, seed=1), rows((n, channels), dtype, seed=2)
    y, dx = pooling.global_average_forward(x), pooling.global_average_backward(dy, n_cells)
    one_window = ((n_cells, 1), (1, 1), (0, 0), (1, 1))
    expected = twin.average(x[:, :, None], dy[:, None, None], one_window)
    assert [y.dtype, dx.dtype] == [np.dtype(dtype)] * 2
    np.testing.assert_allclose(y, expected[0][:, 0, 0], atol=TOLERANCE[dtype])
    np.testing.assert_allclose(dx, expected[1][:, :, 0], atol=TOLERANCE[dtype])


def test_nan_in_one_channel_stays_out_of_the_others() -> None:
    x = rows((2, 9, 4), "float32", seed=1)
    x[1, 3, 2] = np.nan
    y = pooling.global_average_forward(x)
    assert np.argwhere(np.isnan(y)).tolist() == [[1, 2]]


@both_poolings
def test_an_empty_batch_stays_empty(both_ways: BothWays) -> None:
    windows = Windows((2, 2), (2, 2), (0, 0), (2, 2), (4, 4))
    y, dx = both_ways(np.ones((0, 4, 4, 3)), np.ones((0, 2, 2, 3)), windows)
    assert (y.shape, dx.shape) == ((0, 2, 2, 3), (0, 4, 4, 3))


@pytest.mark.skipif(numba.get_num_threads() < 2, reason="needs two threads")
@both_poolings
@pytest.mark.parametrize(
    "shape", [(7, 40, 31, 32), (3, 300, 301, 1), (1, 512, 64, 9)], ids=["many", "few", "one"]
)
def test_large_images_are_shared_out_without_a_change_of_bits(
    shape: tuple[int, ...], both_ways: BothWays
) -> None:
    size, image = (3, 2), shape[1:3]
    output = (image[0] - 3) // 2 + 1, (image[1] - 2) // 2 + 1
    windows = Windows(size, (2, 2), (0, 0), output, (image[0], image[1]))
    x, dy = rows(shape, "float32", seed=1), upstream(shape, windows, "float32")
    assert x.size >= LARGE
    with threads(2):
        shared = both_ways(x, dy, windows)
    with threads(1):
        alone = both_ways(x, dy, windows)
    assert [a.tobytes() for a in shared] == [a.tobytes() for a in alone]
