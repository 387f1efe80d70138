import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.tiny import config, load
from normlab.lab.runner import trials
from normlab.lab.trial import TrialResult, compile_kernels, run_trial, trial_id


def first_row(result: TrialResult) -> tuple[Any, ...]:
    history = result.history()
    return history.train_accuracy[0], history.train_loss[0]


def test_a_trial_gives_the_same_bits_twice(tmp_path: Path) -> None:
    trial = config(tmp_path)
    assert run_trial(trial).model_dump_json() == run_trial(trial).model_dump_json()


def test_a_trial_does_not_depend_on_those_before_it(tmp_path: Path) -> None:
    alone = run_trial(config(tmp_path, replicate=1)).model_dump_json()
    run_trial(config(tmp_path, replicate=0))
    assert run_trial(config(tmp_path, replicate=1)).model_dump_json() == alone


def test_replicates_differ(tmp_path: Path) -> None:
    results = [run_trial(config(tmp_path, replicate=r)) for r in (0, 1)]
    assert results[0].columns != results[1].columns


def test_seeds_differ(tmp_path: Path) -> None:
    results = [run_trial(config(tmp_path, seed=seed)) for seed in (0, 1)]
    assert results[0].columns != results[1].columns


def test_levels_of_a_replicate_start_from_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, batches = _seen(tmp_path, monkeypatch, replicate=0)
    assert len({weight.tobytes() for weight in weights}) == 1
    assert len(set(batches)) == 1


def test_weights_and_batches_differ_between_replicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (_seen(tmp_path, monkeypatch, replicate=r) for r in (0, 1))
    assert not np.array_equal(first[0][0], second[0][0])
    assert first[1][0] != second[1][0]


def _seen(folder: Path, monkeypatch: pytest.MonkeyPatch, replicate: int) -> tuple[Any, Any]:
    """Initial weights, in units of their scale, and batches, of each combination of levels."""
    from normlab.lab import trial

    weights, batches = [], []

    def train(network: Any, data: Any, training: Any, *, rng: np.random.Generator) -> Any:
        weights.append(network.parameters["0.weight"] / np.std(network.parameters["0.weight"]))
        batches.append(rng.integers(1000, size=5).tobytes())
        return history

    history = run_trial(config(folder)).history()
    with monkeypatch.context() as patch:
        patch.setattr(trial, "train", train)
        for levels, r, one in trials(load(folder)):
            if r == replicate and levels["weight_scale"] == 0.1:
                run_trial(one)
    return weights, batches


def test_a_stored_result_is_read_back_to_the_bit(tmp_path: Path) -> None:
    result = run_trial(config(tmp_path))
    assert np.isnan(result.columns.test_accuracy[0])
    back = TrialResult.model_validate_json(result.model_dump_json())
    assert back.model_dump_json() == result.model_dump_json()
    assert back.history() == result.history()


def test_infinity_and_nan_survive_json(tmp_path: Path) -> None:
    result = run_trial(config(tmp_path))
    odd = (float("inf"), float("-inf"), float("nan"))
    columns = result.columns.model_copy(update={"train_loss": odd})
    text = result.model_copy(update={"columns": columns}).model_dump_json()
    back = TrialResult.model_validate_json(text).columns.train_loss
    np.testing.assert_array_equal(back, odd)
    assert json.loads(text)["columns"]["train_loss"] == ["Infinity", "-Infinity", "NaN"]


def test_the_name_of_a_trial_is_that_of_the_first_release(tmp_path: Path) -> None:
    # Another name means that nobody's stored trials are found again.
    assert trial_id(config(tmp_path)) == "e71b5ae96c89464150f6"


def test_every_trial_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = [trial_id(one) for _, _, one in trials(load(tmp_path))]
    assert len(set(names)) == 8


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"data__n_test": 99}, {"training__steps": 12}, {"network__dropout": 0.1}],
)
def test_whatever_a_result_depends_on_is_in_its_name(
    change: dict[str, Any], tmp_path: Path
) -> None:
    assert trial_id(config(tmp_path, **change)) != trial_id(config(tmp_path))


def test_words_of_an_experiment_are_not_in_the_name(tmp_path: Path) -> None:
    assert trial_id(config(tmp_path, title="Another", replicates=9)) == trial_id(config(tmp_path))


@pytest.mark.parametrize("scale", [1e30, 1e300])
@pytest.mark.parametrize("rate", [0.1, 1e30])
def test_overflow_is_a_result_and_no_warning(scale: float, rate: float, tmp_path: Path) -> None:
    experiment = load(tmp_path, settings={"training.learning_rate": rate})
    for normalization in ("none", "batch"):
        levels = {"weight_scale": scale, "normalization": normalization}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = run_trial(experiment.resolve(levels, 0))
        assert result.diverged_at_step is not None


def test_a_diverged_trial_stops_at_its_first_loss_that_is_not_finite(tmp_path: Path) -> None:
    result = run_trial(config(tmp_path, training__learning_rate=1e30, training__steps=1000))
    assert result.diverged_at_step is not None
    assert result.n_steps == result.diverged_at_step - 1 < 10
    assert result.columns.step[-1] == result.diverged_at_step


def test_the_squared_error_trains_on_one_hot_labels(tmp_path: Path) -> None:
    trial = config(tmp_path, training__loss="squared_error")
    compile_kernels([trial])
    losses = run_trial(trial).columns.train_loss
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "optimizer", ["momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
)
def test_every_optimizer_trains(optimizer: str, tmp_path: Path) -> None:
    trial = config(tmp_path, training__optimizer=optimizer, training__learning_rate=0.01)
    compile_kernels([trial])
    losses = run_trial(trial).columns.train_loss
    assert losses[-1] < losses[0]


def test_dropout_gives_the_same_bits_twice(tmp_path: Path) -> None:
    trial = config(tmp_path, network__dropout=0.5)
    assert run_trial(trial).model_dump_json() == run_trial(trial).model_dump_json()
