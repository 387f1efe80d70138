import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.tiny import config
from normlab.lab.codec import DamagedError, decode, encode
from normlab.lab.trial import TrialResult
from normlab.training import History
from normlab.training.series import Series

ODD = [np.inf, -np.inf, np.nan]


def history(**columns: Any) -> History:
    fields: dict[str, Any] = {
        "step": [1, 6, 11],
        "epoch": [0, 0, 1],
        "train_accuracy": [0.1, 1 / 3, 0.1 + 0.2],
        "train_loss": ODD,
        "test_accuracy": np.nan,
        "test_loss": np.nan,
        "n_steps": 11,
    }
    return History(**fields | columns)


def probed(values: Any = ((0.1, 0.2), (1e300, np.nan))) -> History:
    labels: tuple[tuple[str | float, ...], ...] = (("ReLU 1", "ReLU 2"),)
    series = {"output_mean": Series(("layer",), labels, np.array(values))}
    return history(probed_steps=[1, 6], probes=series)


def encoded(folder: Path, history: History) -> tuple[bytes, bytes]:
    text, arrays = encode(TrialResult(config(folder), history))
    return text, arrays or b""


@pytest.mark.parametrize("one", [history(), probed(), history(diverged_at_step=12)])
def test_a_history_is_read_back_to_the_bit(one: History, tmp_path: Path) -> None:
    text, arrays = encoded(tmp_path, one)
    assert decode(text, lambda: arrays) == one


def test_equal_trials_have_equal_bytes(tmp_path: Path) -> None:
    assert encoded(tmp_path, probed()) == encoded(tmp_path, probed())


def test_the_text_is_json_without_words_of_its_own(tmp_path: Path) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text, _ = encoded(tmp_path, history())
    tree = json.loads(text, parse_constant=refuse)
    assert tree["columns"]["train_loss"] == ["Infinity", "-Infinity", "NaN"]
    assert tree["config"]["training"]["probes"]["names"] == []


def test_a_column_in_which_nothing_was_recorded_is_left_out(tmp_path: Path) -> None:
    text, _ = encoded(tmp_path, history())
    recorded = ["step", "epoch", "train_accuracy", "train_loss"]
    assert [*json.loads(text)["columns"]] == recorded


def test_a_trial_without_probes_has_no_arrays(tmp_path: Path) -> None:
    _, arrays = encode(TrialResult(config(tmp_path), history()))
    assert arrays is None


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([[0.5, np.nan]], "float32"), ([[0.1, 0.5]], "float64"), ([[1e300, 0]], "float64")],
)
def test_arrays_are_float32_where_that_loses_nothing(
    values: Any, dtype: str, tmp_path: Path
) -> None:
    _, arrays = encoded(tmp_path, probed(values))
    path = tmp_path / "arrays.npz"
    path.write_bytes(arrays)
    with np.load(path) as stored:
        assert stored["output_mean"].dtype == dtype


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:-1],
        lambda text: text[: len(text) // 2],
        lambda text: b"\0" * len(text),
        lambda text: text.replace(b'"seed": 0', b'"seed": 1'),
        lambda text: text.replace(b"0.1,", b"0.2,"),
    ],
)
def test_any_change_of_the_text_is_noticed(damage: Any, tmp_path: Path) -> None:
    text, arrays = encoded(tmp_path, history())
    with pytest.raises(DamagedError):
        decode(damage(text), lambda: arrays)


@pytest.mark.parametrize("damage", [lambda a: b"", lambda a: a[:-1], lambda a: a + b"\0"])
def test_any_change_of_the_arrays_is_noticed(damage: Any, tmp_path: Path) -> None:
    text, arrays = encoded(tmp_path, probed())
    with pytest.raises(DamagedError):
        decode(text, lambda: damage(arrays))


def test_another_schema_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, arrays = encoded(tmp_path, history())
    monkeypatch.setattr("normlab.lab.codec.SCHEMA", 3)
    with pytest.raises(DamagedError, match="another schema"):
        decode(text, lambda: arrays)
