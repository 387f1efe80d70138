"""The dense kernels against their twin."""

from typing import Any

import numpy as np
import pytest

from kernels.shapes import Array, rows
from normlab.kernels import dense
from normlab.kernels.threads import threads
from reference import dense as twin

SIZES = [
    (1, 1, 1),
    (4, 3, 2),
    (7, 5, 11),
    (20, 16, 10),
    (16, 1, 1),
    (50, 7, 100),
]  # rows, inputs, outputs
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}

every_size = pytest.mark.parametrize("sizes", SIZES)
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


@both_dtypes
@every_size
def test_forward_is_that_of_the_twin(sizes: tuple[int, int, int], dtype: str) -> None:
    n, n_inputs, n_outputs = sizes
    x, weight = rows((n, n_inputs), dtype, seed=1), rows((n_inputs, n_outputs), dtype, seed=2)
    bias = rows((n_outputs,), dtype, seed=3)
    y = dense.forward(x, weight, bias)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, twin.forward(x, weight, bias), atol=TOLERANCE[dtype])


def test_forward_without_a_bias_is_forward_with_a_bias_of_zero() -> None:
    x, weight = rows((4, 3), "float64", seed=1), rows((3, 2), "float64", seed=2)
    without = dense.forward(x, weight, None)
    np.testing.assert_array_equal(without, dense.forward(x, weight, np.zeros(2)))


def test_no_outputs_and_no_inputs_are_nothing() -> None:
    assert dense.forward(np.ones((20, 3)), np.ones((3, 0)), None).shape == (20, 0)
    assert dense.backward_input(np.ones((20, 3)), np.ones((0, 3))).shape == (20, 0)


@both_dtypes
@every_size
def test_backward_is_that_of_the_twin(sizes: tuple[int, int, int], dtype: str) -> None:
    n, n_inputs, n_outputs = sizes
    x, weight = rows((n, n_inputs), dtype, seed=1), rows((n_inputs, n_outputs), dtype, seed=2)
    dy = rows((n, n_outputs), dtype, seed=3)
    found = (
        dense.backward_input(dy, weight),
        *dense.backward_parameters(dy, x, bias=True),
    )
    for ours, theirs in zip(found, twin.backward(dy, x, weight), strict=True):
        assert ours is not None
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_rows", [0, 1, 2, dense.FEWEST_ROWS - 1, dense.FEWEST_ROWS, 50, 64])
def test_large_weights_give_the_products_too(n_rows: int, dtype: str) -> None:
    """Most do not go through BLAS; sizes that are no multiples of anything."""
    sizes = (n_rows, 1031, 1021)
    assert sizes[1] * sizes[2] > dense.LARGE_WEIGHT
    rng = np.random.default_rng(n_rows)
    x = rng.standard_normal(sizes[:2]).astype(dtype)
    weight = rng.standard_normal(sizes[1:]).astype(dtype)
    dy = rng.standard_normal((n_rows, sizes[2])).astype(dtype)
    bias = rng.standard_normal(sizes[2]).astype(dtype)
    wide = [a.astype("float64") for a in (x, weight, dy, bias)]
    found = {
        "y": (dense.forward(x, weight, bias), wide[0] @ wide[1] + wide[3]),
        "dx": (dense.backward_input(dy, weight), wide[2] @ wide[1].T),
        "d_weight": (dense.backward_parameters(dy, x, bias=False)[0], wide[0].T @ wide[2]),
    }
    for name, (ours, expected) in found.items():
        assert ours.dtype == dtype
        assert ours.flags.c_contiguous
        tolerance = {"float32": 2e-5, "float64": 1e-13}[dtype] * np.abs(expected).max(initial=0)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("sizes", [(33, 1031, 1021), (200, 300, 70), (90, 501, 399)])
def test_products_have_the_same_bits_on_one_thread_and_two(sizes: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    x, weight, dy = (
        rng.standard_normal(shape).astype("float32") for shape in (sizes[:2], sizes[1:], sizes[::2])
    )

    def everything(n: int) -> list[bytes]:
        with threads(n):
            products = (
                dense.forward(x, weight, None),
                dense.backward_input(dy, weight),
                *dense.backward_parameters(dy, x, bias=True),
            )
        return [np.asarray(product).tobytes() for product in products]

    assert everything(1) == everything(2)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]])
def test_large_products_take_rows_in_any_layout(layout: Any) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((20, 1031)), rng.standard_normal((1031, 1021))
    dy = rng.standard_normal((20, 1021))
    pairs = [
        (dense.forward(layout(x), weight, None), x @ weight),
        (dense.backward_input(layout(dy), weight), dy @ weight.T),
        (dense.backward_parameters(layout(dy), layout(x), bias=False)[0], x.T @ dy),
    ]
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def sparse(n_rows: int, n_inputs: int) -> tuple[Array, Array]:
    """Return rows that are 0 in every third column, and which columns these are."""
    x = np.random.default_rng(n_rows).standard_normal((n_rows, n_inputs))
    x[:, ::3] = 0
    return x, np.arange(n_inputs) % 3 == 0


@pytest.mark.parametrize("sizes", [(20, 50, 10), (19, 1031, 1021)])
def test_columns_of_zeros_give_what_they_would_give_multiplied(
    sizes: tuple[int, int, int],
) -> None:
    x, empty = sparse(*sizes[:2])
    rng = np.random.default_rng(1)
    weight, dy = rng.standard_normal(sizes[1:]), rng.standard_normal((sizes[0], sizes[2]))
    d_weight, _ = dense.backward_parameters(dy, x, bias=False)
    np.testing.assert_allclose(dense.forward(x, weight, dy[0]), x @ weight + dy[0], atol=1e-11)
    np.testing.assert_allclose(d_weight, x.T @ dy, atol=1e-11)
    assert (d_weight[empty] == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("sizes", [(20, 50, 10), (19, 1031, 1021)])
def test_zeros_do_not_hide_what_is_not_finite(sizes: tuple[int, int, int], value: float) -> None:
    x, _ = sparse(*sizes[:2])
    weight, dy = np.ones(sizes[1:]), np.ones((sizes[0], sizes[2]))
    weight[48, 4] = dy[7, 5] = value  # x[:, 48] is 0
    with np.errstate(invalid="ignore"):
        expected = x @ weight, x.T @ dy
    found = dense.forward(x, weight, None), dense.backward_parameters(dy, x, bias=False)[0]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
        assert np.isnan(ours).any()


def test_rows_of_zeros_give_the_bias() -> None:
    x, bias = np.zeros((20, 300), "float32"), rows((7,), "float32", seed=1)
    weight = rows((300, 7), "float32", seed=2)
    np.testing.assert_array_equal(dense.forward(x, weight, bias), np.tile(bias, (20, 1)))
    d_weight, _ = dense.backward_parameters(rows((20, 7), "float32", seed=3), x, bias=False)
    assert not d_weight.any()
