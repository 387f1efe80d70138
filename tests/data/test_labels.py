from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.data import one_hot
from normlab.errors import ArgumentError


@given(labels=st.lists(st.integers(0, 6), max_size=20))
def test_each_row_has_its_one_in_the_column_of_its_label(labels: list[int]) -> None:
    rows = one_hot(np.array(labels, dtype=np.int64), 7)
    np.testing.assert_array_equal(rows, np.eye(7)[labels])


def test_default_dtype_is_float32() -> None:
    assert one_hot([1, 0], 2).dtype == np.float32


def test_float64_can_be_asked_for() -> None:
    assert one_hot([1, 0], 2, dtype=np.float64).dtype == np.float64


def test_dtype_must_be_a_float() -> None:
    with pytest.raises(ArgumentError, match=r"^dtype must be float32 or float64"):
        one_hot([1, 0], 2, dtype=np.int64)


@pytest.mark.parametrize(("label", "row"), [(3, 1), (-1, 1)])
def test_label_outside_the_classes_is_named_with_its_row(label: int, row: int) -> None:
    message = rf"^labels must hold class indices from 0 to 2, got {label}\. It stands in row {row}"
    with pytest.raises(ArgumentError, match=message):
        one_hot([0, label], 3)


@pytest.mark.parametrize("labels", [[0.0, 1.0], [[0, 1]], 1, [True]])
def test_labels_must_be_a_row_of_integers(labels: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^labels must be integers of shape \(n,\), got"):
        one_hot(labels, 2)


def test_there_must_be_a_class() -> None:
    with pytest.raises(ArgumentError, match=r"^n_classes must be an integer of at least 1, got 0"):
        one_hot([0], 0)
