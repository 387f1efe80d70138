import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from normlab.training import History

NAN = float("nan")


def history(**changes: Any) -> History:
    values: dict[str, Any] = {
        "step": [1, 11],
        "epoch": [0, 1],
        "train_accuracy": [0.25, 0.5],
        "train_loss": [2.0, 1.5],
        "test_accuracy": [NAN, 0.75],
        "test_loss": [NAN, 1.25],
        "n_steps": 12,
    }
    return History(**(values | changes))


def test_steps_are_integers_and_measurements_float64() -> None:
    assert history().step.dtype == history().epoch.dtype == np.int64
    assert history().train_loss.dtype == history().test_accuracy.dtype == np.float64


def test_columns_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        history().train_loss[0] = 1


def test_history_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        history().n_steps = 3  # type: ignore[misc]  # frozen is the point


def test_columns_are_copies_of_what_was_given() -> None:
    losses = np.array([2.0, 1.5])
    recorded = history(train_loss=losses)
    losses[0] = 0
    assert recorded.train_loss[0] == 2


def test_length_is_the_number_of_records() -> None:
    assert len(history()) == 2


def test_rows_hold_python_numbers_by_column_name() -> None:
    row = history().rows()[1]
    assert row == {
        "step": 11,
        "epoch": 1,
        "train_accuracy": 0.5,
        "train_loss": 1.5,
        "test_accuracy": 0.75,
        "test_loss": 1.25,
    }
    assert {type(value) for value in row.values()} == {int, float}


def test_equal_histories_are_equal_though_nan_stands_in_them() -> None:
    assert history() == history()


@pytest.mark.parametrize(
    "change",
    [
        {"train_loss": [2.0, np.nextafter(1.5, 2)]},
        {"test_loss": [0.0, 1.25]},
        {"n_steps": 13},
        {"diverged_at_step": 13},
    ],
)
def test_one_bit_of_difference_makes_histories_different(change: dict[str, Any]) -> None:
    assert history() != history(**change)


def test_a_history_is_nothing_else() -> None:
    assert history() != "history"


def test_a_history_survives_pickling() -> None:
    copied = pickle.loads(pickle.dumps(history()))
    assert copied == history()


def test_a_history_cannot_be_a_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(history())


def test_repr_tells_the_last_measurements() -> None:
    assert repr(history()) == (
        "History(12 steps, 2 recorded;"
        " train_accuracy 0.5, train_loss 1.5, test_accuracy 0.75, test_loss 1.25)"
    )


def test_repr_tells_the_divergence() -> None:
    assert repr(history(diverged_at_step=13)) == (
        "History(12 steps, 2 recorded; diverged at step 13)"
    )
