"""The dense kernels against their twin."""

import numpy as np
import pytest

from kernels.shapes import rows
from normlab.kernels import dense
from reference import dense as twin

SIZES = [(1, 1, 1), (4, 3, 2), (7, 5, 11), (20, 16, 10)]  # rows, inputs, outputs
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


@both_dtypes
@every_size
def test_backward_is_that_of_the_twin(sizes: tuple[int, int, int], dtype: str) -> None:
    n, n_inputs, n_outputs = sizes
    x, weight = rows((n, n_inputs), dtype, seed=1), rows((n_inputs, n_outputs), dtype, seed=2)
    dy = rows((n, n_outputs), dtype, seed=3)
    found = (
        dense.backward_input(dy, weight),
        dense.backward_weight(dy, x),
        dense.backward_bias(dy),
    )
    for ours, theirs in zip(found, twin.backward(dy, x, weight), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE[dtype])
