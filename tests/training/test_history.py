import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from normlab.training import History, Series
from normlab.training.history import COLUMNS

NAN = float("nan")


def dead_share(value: float = NAN) -> Series:
    return Series(("layer",), (("ReLU 1",),), np.array([[value]]))


def history(**changes: Any) -> History:
    values: dict[str, Any] = {
        "step": [1, 11],
        "epoch": [0, 1],
        "train_accuracy": [0.25, 0.5],
        "train_loss": [2.0, 1.5],
        "test_accuracy": [NAN, 0.75],
        "test_loss": [NAN, 1.25],
        "batch_accuracy": [0.5, 1.0],
        "batch_loss": [2.5, 0.5],
        "n_steps": 12,
        "probed_steps": [1],
        "probes": {"dead_share": dead_share()},
        "seconds_per_step": 0.001,
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
        "batch_accuracy": 1.0,
        "batch_loss": 0.5,
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
        {"batch_loss": [2.5, NAN]},
        {"probed_steps": [2]},
        {"probes": {}},
        {"probes": {"dead_share": dead_share(0.5)}},
    ],
)
def test_one_bit_of_difference_makes_histories_different(change: dict[str, Any]) -> None:
    assert history() != history(**change)


def test_the_time_of_a_step_makes_no_difference() -> None:
    assert history() == history(seconds_per_step=NAN)


def test_columns_of_the_batch_and_probes_may_be_left_out() -> None:
    names = ("batch_accuracy", "batch_loss", "probed_steps", "probes", "seconds_per_step")
    given = {field: value for field, value in vars(history()).items() if field not in names}
    short = History(**given)
    assert np.isnan([short.batch_accuracy, short.batch_loss]).tolist() == [[True, True]] * 2
    assert (len(short.probed_steps), short.probes) == (0, {})
    assert np.isnan(short.seconds_per_step)


def test_a_history_is_nothing_else() -> None:
    assert history() != "history"


def test_a_history_survives_pickling() -> None:
    copied = pickle.loads(pickle.dumps(history()))
    assert copied == history()
    assert copied.seconds_per_step == 0.001
    assert not copied.train_loss.flags.writeable
    assert not copied.probes["dead_share"].values.flags.writeable


def test_a_history_cannot_be_a_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(history())


def test_repr_tells_the_last_measurements() -> None:
    assert repr(history()) == (
        "History(12 steps, 2 recorded, 1 probed;"
        " train_accuracy 0.5, train_loss 1.5, test_accuracy 0.75, test_loss 1.25,"
        " batch_accuracy 1, batch_loss 0.5)"
    )


def test_repr_tells_the_divergence() -> None:
    assert repr(history(diverged_at_step=13, probes={})) == (
        "History(12 steps, 2 recorded; diverged at step 13)"
    )


def test_a_notebook_shows_what_was_recorded() -> None:
    html = history(test_loss=np.nan)._repr_html_()
    assert ">train_accuracy</th>" in html
    assert "test_loss" not in html.partition("</table>")[0]
    assert html.endswith(f"<p>{history(test_loss=np.nan)!r}</p>")


def test_a_notebook_shows_a_long_history_in_part() -> None:
    columns = dict.fromkeys(COLUMNS, np.arange(1, 101))
    html = history(**columns, n_steps=100)._repr_html_()
    assert html.count("<tr>") == 1 + 5 + 1 + 5
    assert ">...</td>" in html
