"""The gradient that ``backward`` is given: every layer checks it alike."""

from typing import Any

import numpy as np
import pytest

from layers.cases import CASES, Case
from normlab.errors import ArgumentError

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_case
@pytest.mark.parametrize("dtype", ["int64", "float16", "bool"])
def test_an_upstream_gradient_of_another_dtype_is_refused(case: Case, dtype: str) -> None:
    layer = case.layer()
    _, cache = layer.forward(case.batch(1), training=True)
    with pytest.raises(ArgumentError, match=f"dy must be of dtype float32 or float64, got {dtype}"):
        layer.backward(case.upstream(2).astype(dtype), cache)


@every_case
@pytest.mark.parametrize("dy", [None, [[1.0]], 1.0])
def test_an_upstream_gradient_that_is_no_array_is_refused(case: Case, dy: Any) -> None:
    layer = case.layer()
    _, cache = layer.forward(case.batch(1), training=True)
    with pytest.raises(ArgumentError, match=r"dy must be a NumPy array of float32 or float64, got"):
        layer.backward(dy, cache)


@every_case
def test_dx_has_the_dtype_of_the_input_whatever_that_of_dy(case: Case) -> None:
    layer = case.layer("float32")
    _, cache = layer.forward(case.batch(1, "float32"), training=True)
    dx, _ = layer.backward(case.upstream(2, "float64"), cache)
    assert dx.dtype == np.float32
