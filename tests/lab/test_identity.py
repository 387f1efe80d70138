import shutil
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import config, load, trials
from normlab.data.mnist import BUNDLED
from normlab.lab.config import DataConfig
from normlab.lab.design import Design
from normlab.lab.identity import _defaults, identity, trial_id
from normlab.network import MLPSpec
from normlab.training import Probes, Recording, TrainingConfig


def test_the_name_of_a_trial_stays_as_it_was(tmp_path: Path) -> None:
    # Another name means that nobody's stored trials are found again.
    assert trial_id(config(tmp_path)) == "0b7f5c12c3a17a18cbad"


def test_every_trial_has_a_name_of_its_own(tmp_path: Path) -> None:
    names = [trial_id(one) for _, _, one in trials(load(tmp_path))]
    assert len(set(names)) == 8


def test_a_design_names_its_trials_as_their_configurations_are_named(tmp_path: Path) -> None:
    experiment = load(tmp_path)
    alone = [trial_id(experiment.resolve(levels, r)) for levels, r, _ in trials(experiment)]
    assert Design(experiment).names == alone


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"data__n_test": 99},
        {"training__steps": 12},
        {"network__dropout": 0.1},
        {"training__recording__batch": "always"},
        {"training__probes__names": ["units"]},
    ],
)
def test_whatever_a_result_depends_on_is_in_its_name(
    change: dict[str, Any], tmp_path: Path
) -> None:
    assert trial_id(config(tmp_path, **change)) != trial_id(config(tmp_path))


def test_words_of_an_experiment_are_not_in_the_name(tmp_path: Path) -> None:
    assert trial_id(config(tmp_path, title="Another", replicates=9)) == trial_id(config(tmp_path))


def test_a_field_that_has_its_default_is_not_in_the_name(tmp_path: Path) -> None:
    # So a field that is added later, with the default of what was done before, changes no name.
    tree = identity(config(tmp_path))
    assert tree == {
        "data": {"n_train": 200, "n_test": 100},
        "network": {"sizes": (784, 10, 10), "weight_init": 0.1, "normalization": "batch"},
        "training": {
            "steps": 11,
            "batch_size": 20,
            "replacement": True,
            "learning_rate": 0.1,
            "recording": {"first_step": 1, "every": 5, "test": "last"},
        },
        "seed": 0,
        "replicate": 0,
    }


DEFAULTS: dict[type, dict[str, Any]] = {
    DataConfig: {"directory": None, "n_train": None, "n_test": None},
    MLPSpec: {
        "activation": "relu",
        "normalization": "none",
        "placement": "before",
        "convention": "paper",
        "scale": True,
        "shift": True,
        "dropout": 0.0,
        "weight_init": "he",
        "bias_before_normalization": False,
        "dtype": "float32",
    },
    TrainingConfig: {
        "steps": None,
        "epochs": None,
        "batch_size": 100,
        "replacement": False,
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "optimizer_options": {},
        "loss": "softmax_cross_entropy",
        "weight_decay": 0.0,
        "recording": Recording(),
        "probes": Probes(),
    },
    Recording: {
        "first_step": None,
        "every": None,
        "train": "always",
        "test": "always",
        "batch": "never",
    },
    Probes: {
        "names": (),
        "first_step": 1,
        "every": None,
        "percentiles": (15.0, 50.0, 85.0),
        "units": 10,
        "bins": 40,
    },
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_the_defaults_that_names_are_silent_about_stay(kind: type) -> None:
    # One that changes gives another meaning to the same names: SCHEMA must change with it.
    now = _defaults(kind) or {}
    assert {name: now[name] for name in DEFAULTS[kind]} == DEFAULTS[kind]


def test_data_goes_by_what_is_in_it_and_not_by_where_it_lies(tmp_path: Path) -> None:
    copy = shutil.copytree(BUNDLED, tmp_path / "copy")
    here, there = (
        load(tmp_path, settings={"data.directory": str(folder)}).resolve(levels(), 0)
        for folder in (BUNDLED, copy)
    )
    assert here.data.directory != there.data.directory
    assert trial_id(here) == trial_id(there)
    assert trial_id(here) != trial_id(config(tmp_path))


def levels() -> dict[str, Any]:
    return {"weight_scale": 0.1, "normalization": "batch"}
