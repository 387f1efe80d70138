"""Fields set from outside, as by ``--set``."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.test_misfits import CLAIM
from lab.tiny import TINY, edited, load
from normlab import lab
from normlab.errors import ExperimentError


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("training.lr", 0.1, "tiny.toml with the fields set: training.lr: unknown key"),
        ("training.learning_rate", "x", "training.learning_rate: must be a valid number, got 'x'"),
        ("training", 3, "training: must be a table, got 3"),
        ("network.sizes.0", 3, "network.sizes: must be a list"),
        ("factors.weight_scale", 3, "factors.weight_scale: must be a table, got 3"),
        ("factors", 3, "factors: must be a table, got 3"),
        ("factors.other.levels", [1], "factors.other: must have a field"),
        ("", 1, ": unknown key"),
        ("network.normalization", "batch", "is varied by the factor 'normalization'"),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, settings={field: value})
    assert message in str(caught.value)


def test_a_setting_on_top_of_a_mistake_in_the_file_names_the_mistake(tmp_path: Path) -> None:
    text = TINY[: TINY.index("[factors")] + "[factors]\na = 3\n" + TINY[TINY.index("[contrast]") :]
    with pytest.raises(ExperimentError, match=r"factors\.a: must be a table, got 3"):
        load(tmp_path, text, {"training.steps": 3})


def test_a_field_is_set(tmp_path: Path) -> None:
    experiment = load(tmp_path, settings={"training.learning_rate": 0.5, "network.dropout": 0.25})
    assert experiment.training.learning_rate == 0.5
    assert experiment.network.dropout == 0.25


@pytest.mark.parametrize("kind", ["levels", "linspace", "logspace"])
def test_new_levels_take_the_place_of_those_of_any_kind(kind: str, tmp_path: Path) -> None:
    value = [0.5, 0.25] if kind == "levels" else {"start": 0, "stop": 1, "num": 2}
    text = edited("levels = [0.1, 0.01]", "logspace = {start = -1, stop = -2, num = 3}")
    experiment = load(tmp_path, text, {f"factors.weight_scale.{kind}": value})
    assert len(experiment.factors["weight_scale"].values) == 2


QUICK = """
[quick]
replicates = 1
"training.steps" = 6
"factors.weight_scale.levels" = [0.1]
"""


def test_the_quick_setting_sets_its_fields(tmp_path: Path) -> None:
    load(tmp_path, TINY + QUICK)
    experiment = lab.load(tmp_path / "tiny.toml", quick=True)
    assert (experiment.replicates, experiment.training.steps, experiment.n_trials) == (1, 6, 2)
    assert experiment.setting == "quick"


def test_the_full_setting_is_as_written(tmp_path: Path) -> None:
    experiment = load(tmp_path, TINY + QUICK)
    assert (experiment.replicates, experiment.n_trials, experiment.setting) == (2, 8, "full")


def test_other_fields_win_over_the_quick_setting(tmp_path: Path) -> None:
    load(tmp_path, TINY + QUICK)
    experiment = lab.load(tmp_path / "tiny.toml", {"replicates": 3}, quick=True)
    assert experiment.n_trials == 6


def test_a_mistake_in_the_quick_setting_is_found_in_the_full_one_too(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"quick: training\.stepps: unknown key"):
        load(tmp_path, TINY + QUICK.replace("steps", "stepps"))


def test_a_quick_setting_of_what_a_factor_varies_is_named(tmp_path: Path) -> None:
    text = TINY + '\n[quick]\n"network.normalization" = "batch"\n'
    message = r"^tiny\.toml: quick: network\.normalization: is varied by the factor"
    with pytest.raises(ExperimentError, match=message):
        load(tmp_path, text)
    with pytest.raises(ExperimentError, match=message):
        lab.load(tmp_path / "tiny.toml", quick=True)


def test_settings_may_be_of_numpy(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "training.learning_rate": np.float32(0.5),
        "training.steps": np.int64(7),
        "factors.weight_scale.levels": np.array([0.01, 0.1]),
    }
    experiment = load(tmp_path, settings=settings)
    assert (experiment.training.learning_rate, experiment.training.steps) == (0.5, 7)
    assert experiment.levels["weight_scale"] == (0.01, 0.1)


def test_an_experiment_without_a_quick_setting_says_how_to_give_it_one(tmp_path: Path) -> None:
    load(tmp_path)
    with pytest.raises(ExperimentError, match=r"tiny\.toml: quick: is missing; for example"):
        lab.load(tmp_path / "tiny.toml", quick=True)


def test_levels_that_a_claim_names_may_be_left_out_later(tmp_path: Path) -> None:
    text = TINY + CLAIM + "where = {weight_scale = 0.01}"
    experiment = load(tmp_path, text, {"factors.weight_scale.levels": [0.1]})
    assert len(experiment.claims) == 1


def test_what_was_run_with_other_levels_is_loaded_from_its_folder(tmp_path: Path) -> None:
    text = TINY + CLAIM + "at_least = 2\nwhere = {weight_scale = [0.1, 0.01]}"
    settings = {"factors.weight_scale.levels": [0.1], "replicates": 1}
    lab.run(load(tmp_path, text, settings), tmp_path / "out", n_workers=1)
    stored = lab.load(tmp_path / "out" / "experiment.json")
    assert stored == lab.read(tmp_path / "out").experiment


def test_a_data_folder_is_seen_from_the_file(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=f"{tmp_path}/no must be a folder"):
        load(tmp_path, edited("= 200", '= 200\ndirectory = "no"'))


def test_a_data_folder_that_is_set_is_seen_from_here(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=f"{Path.cwd()}/no must be a folder"):
        load(tmp_path, settings={"data.directory": "no"})
