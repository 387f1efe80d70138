import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

from normlab.data import Dataset, one_hot
from normlab.errors import ArgumentError, ShapeError


def parts(**changes: Any) -> dict[str, Any]:
    """Return the four arrays of a small data set, with some of them changed."""
    x = np.arange(18, dtype=np.float32).reshape(6, 3)
    y = np.array([0, 1, 2, 0, 1, 2])
    return {"x_train": x[:4], "y_train": y[:4], "x_test": x[4:], "y_test": y[4:], **changes}


def refuse(message: str, error: type[Exception] = ArgumentError, **changes: Any) -> None:
    with pytest.raises(error, match=message):
        Dataset(**parts(**changes))


def test_repr_tells_what_is_there() -> None:
    x = np.zeros((1200, 28, 28, 1), dtype=np.uint8)
    y = np.zeros(1200, dtype=np.int64)
    data = Dataset(x, y, x[:7], y[:7], n_classes=10, name="Blank")
    expected = "Blank: 1,200 training and 7 test rows of (28, 28, 1), uint8, 10 classes"
    assert repr(data) == expected


def test_n_classes_is_counted_from_the_labels_of_both_parts() -> None:
    assert Dataset(**parts(y_test=np.array([6, 0]))).n_classes == 7


def test_n_classes_is_the_number_of_columns_of_one_hot_rows() -> None:
    data = Dataset(**parts(y_train=one_hot([0, 1, 0, 1], 5), y_test=one_hot([0, 1], 5)))
    assert data.n_classes == 5


def test_n_classes_given_wins_over_the_labels() -> None:
    assert Dataset(**parts(), n_classes=10).n_classes == 10


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_rows_may_be_of_three_dtypes(dtype: Any) -> None:
    x = np.ones((6, 2), dtype=dtype)
    assert Dataset(**parts(x_train=x[:4], x_test=x[4:])).x_train.dtype == dtype


def test_arrays_are_read_only() -> None:
    data = Dataset(**parts())
    for array in (data.x_train, data.y_train, data.x_test, data.y_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_arrays_of_the_caller_stay_writable_and_are_not_copied() -> None:
    x = np.zeros((4, 3), dtype=np.float32)
    data = Dataset(**parts(x_train=x))
    x[0] = 5
    assert data.x_train[0, 0] == 5


def test_fields_cannot_be_assigned() -> None:
    data: Any = Dataset(**parts())
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"


def test_fields_can_be_replaced_in_a_copy() -> None:
    data = dataclasses.replace(Dataset(**parts()), name="other")
    assert repr(data).startswith("other: 4 training")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda data: pickle.loads(pickle.dumps(data))])
def test_copies_and_pickles_hold_the_same(copied: Any) -> None:
    data = Dataset(**parts())
    assert repr(copied(data)) == repr(data)
    np.testing.assert_array_equal(copied(data).x_train, data.x_train)


def test_first_takes_the_first_rows_of_both_parts() -> None:
    first = Dataset(**parts()).first(2, 1)
    np.testing.assert_array_equal(first.x_train, parts()["x_train"][:2])
    np.testing.assert_array_equal(first.y_test, parts()["y_test"][:1])


def test_first_keeps_classes_and_name() -> None:
    first = Dataset(**parts(), name="Toy").first(1, 1)
    assert (first.n_classes, first.name) == (3, "Toy")


def test_first_of_none_keeps_all_rows() -> None:
    assert repr(Dataset(**parts()).first(None)) == repr(Dataset(**parts()))


def test_first_copies_nothing() -> None:
    data = Dataset(**parts())
    assert np.shares_memory(data.first(2).x_train, data.x_train)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((5, None), r"^n_train must be at most 4, the number of rows there are, got 5\."),
        ((1, 3), r"^n_test must be at most 2, the number of rows there are, got 3\."),
        ((0, None), r"^n_train must be an integer of at least 1, got 0\."),
    ],
)
def test_first_of_more_rows_than_there_are_is_refused(counts: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Dataset(**parts()).first(*counts)


def test_rows_must_be_an_array() -> None:
    refuse(r"^x_train must be a NumPy array of float32.*got list\. Convert", x_train=[[1.0]])


def test_rows_must_be_of_a_known_dtype() -> None:
    refuse(r"^x_test must be .* float64 or uint8, got int64\.", x_test=np.ones((2, 3), np.int64))


def test_rows_must_have_features() -> None:
    refuse(r"^x_train must have the shape.*got \(4,\)\. A single", x_train=np.ones(4, np.float32))


def test_there_must_be_a_row() -> None:
    refuse(r"^x_test must have .* n at least 1, got \(0, 3\)", x_test=np.ones((0, 3), np.float32))


def test_training_and_test_rows_must_have_one_dtype() -> None:
    refuse(r"^x_test must be of the dtype of x_train, float32, got float64", x_test=np.ones((2, 3)))


def test_training_and_test_rows_must_have_one_shape() -> None:
    message = r"^x_test must have rows of the shape \(3,\), as x_train has, got \(2,\)"
    refuse(message, ShapeError, x_test=np.ones((2, 2), np.float32))


def test_there_must_be_one_label_a_row() -> None:
    message = r"^y_test must have one label for each of the 2 rows of x_test, got 3"
    refuse(message, ShapeError, y_test=np.array([0, 1, 2]))


@pytest.mark.parametrize(
    "y", [[0, 1], np.array([0.0, 1.0]), np.eye(2, dtype=np.int64), np.array([True, False])]
)
def test_labels_must_be_indices_or_one_hot_rows(y: Any) -> None:
    refuse(r"^y_test must be a NumPy array of integers of shape \(n,\) or one-hot", y_test=y)


def test_both_parts_must_have_labels_of_one_form() -> None:
    message = r"^y_train and y_test must both be .* got the shapes \(4,\) and \(2, 3\)"
    refuse(message, ShapeError, y_test=one_hot([0, 1], 3))


def test_label_outside_the_classes_is_named_with_its_row() -> None:
    message = r"^y_train must hold class indices from 0 to 1, got 2\. It stands in row 2\."
    refuse(message, n_classes=2)


def test_negative_label_is_refused() -> None:
    refuse(r"^y_test must hold class indices from 0 to 2, got -1", y_test=np.array([0, -1]))


def test_one_hot_rows_must_have_a_column_a_class() -> None:
    y = one_hot([0, 1, 0, 1], 3)
    message = r"^y_train must have shape \(4, 4\), got \(4, 3\)"
    refuse(message, ShapeError, y_train=y, y_test=y[:2], n_classes=4)
