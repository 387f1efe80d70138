import pickle
from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError, ShapeError
from normlab.training import Series


def series(**changes: Any) -> Series:
    values: dict[str, Any] = {
        "axes": ["layer", "percentile"],
        "labels": [["ReLU 1"], [15, 50.0]],
        "values": [[[0.0, 1.0]], [[np.nan, np.inf]]],
    }
    return Series(**(values | changes))


def test_axes_and_labels_are_tuples() -> None:
    assert series().axes == ("layer", "percentile")
    assert series().labels == (("ReLU 1",), (15, 50.0))


def test_values_are_float64_and_read_only() -> None:
    assert series().values.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        series().values[0] = 1


def test_length_is_the_number_of_steps() -> None:
    assert len(series()) == 2


def test_equal_series_are_equal_though_nan_stands_in_them() -> None:
    assert series() == series()


@pytest.mark.parametrize(
    "change",
    [
        {"values": [[[0.0, np.nextafter(1, 2)]], [[np.nan, np.inf]]]},
        {"labels": [["ReLU 2"], [15, 50]]},
        {"axes": ["layer", "bin"]},
    ],
)
def test_one_difference_makes_series_different(change: dict[str, Any]) -> None:
    assert series() != series(**change)


def test_a_series_is_nothing_else() -> None:
    assert series() != "series"


def test_a_pickled_series_is_the_same_and_read_only() -> None:
    copied = pickle.loads(pickle.dumps(series()))
    assert copied == series()
    assert not copied.values.flags.writeable


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"values must have shape \(1, 1, 2\), got \(1, 1, 3\)"):
        series(values=np.zeros((1, 1, 3)))


def test_labels_must_name_each_axis() -> None:
    with pytest.raises(ArgumentError, match=r"labels must be given for each axis, 2 in all, got"):
        series(labels=[["ReLU 1"]])


def test_repr_tells_the_sizes() -> None:
    assert repr(series()) == "Series(2 steps, 1 by layer, 2 by percentile)"
