import json
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import load, run
from normlab import lab

PUBLISHED = "weight_scale,normalization,step,epoch,train_accuracy\n0.1,batch,1,0,0.5\n"


def published(folder: Path, text: str = PUBLISHED) -> lab.Experiment:
    """The tiny experiment with published values."""
    (folder / "published.csv").write_text(text)
    return load(folder, settings={"published": "published.csv", "replicates": 1})


def facts(folder: Path) -> dict[str, Any]:
    """What is stored of a run."""
    tree: dict[str, Any] = json.loads((folder / "out" / "run.json").read_text())
    return tree


def test_the_stored_experiment_has_every_default_and_no_path_of_ours(tmp_path: Path) -> None:
    lab.run(load(tmp_path, settings={"replicates": 1}), tmp_path / "out", n_workers=1)
    text = (tmp_path / "out" / "experiment.json").read_text()
    tree = json.loads(text)
    assert tree["schema_version"] == 2
    assert tree["experiment"]["training"]["weight_decay"] == 0
    assert str(tmp_path) not in text


def test_published_values_are_kept_with_the_results(tmp_path: Path) -> None:
    lab.run(published(tmp_path), tmp_path / "out", n_workers=1)
    copy = tmp_path / "out" / "published.csv"
    assert copy.read_text() == PUBLISHED
    (tmp_path / "published.csv").unlink()
    assert lab.read(tmp_path / "out").experiment.published == str(copy)
    lab.run(lab.read(tmp_path / "out").experiment, tmp_path / "out", n_workers=1)
    assert copy.read_text() == PUBLISHED


def test_a_run_of_a_stored_experiment_keeps_the_published_values(tmp_path: Path) -> None:
    lab.run(published(tmp_path), tmp_path / "out", n_workers=1)
    again = lab.load(tmp_path / "out" / "experiment.json")
    lab.run(again, tmp_path / "again", n_workers=1)
    assert (tmp_path / "again" / "published.csv").read_text() == PUBLISHED


def test_published_values_of_another_set_up_go(tmp_path: Path) -> None:
    lab.run(published(tmp_path), tmp_path / "out", n_workers=1)
    run(tmp_path, replicates=1, training__learning_rate=0.2)
    assert lab.read(tmp_path / "out").experiment.published is None


def test_a_run_says_what_is_needed_to_repeat_it(tmp_path: Path) -> None:
    experiment = load(tmp_path, settings={"replicates": 1})
    lab.run(experiment, tmp_path / "out", n_workers=1, command="normlab run tiny.toml")
    found = facts(tmp_path)
    assert found["command"] == "normlab run tiny.toml"
    assert found["workers"] == "this process"
    assert {"normlab", "python", "numpy", "numba"} <= set(found["versions"])
    assert found["blas"]
    assert str(found["started_at"]) <= str(found["finished_at"])


def test_a_run_that_was_interrupted_has_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("normlab.lab.runner.timed_trial", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert facts(tmp_path)["started_at"]
    assert facts(tmp_path)["finished_at"] is None


def test_a_run_that_finds_everything_leaves_the_record_of_the_one_that_did_it(
    tmp_path: Path,
) -> None:
    run(tmp_path, replicates=1)
    before = facts(tmp_path)
    lab.run(load(tmp_path, settings={"replicates": 1}), tmp_path / "out", command="another")
    assert facts(tmp_path) == before


def test_changes_of_the_set_up_are_named(tmp_path: Path) -> None:
    run(tmp_path, replicates=1)
    same = load(tmp_path, settings={"replicates": 2, "title": "Another"})
    other = load(tmp_path, settings={"training.learning_rate": 0.2, "seed": 1})
    assert lab.changes(same, tmp_path / "out") == []
    assert lab.changes(other, tmp_path / "out") == [
        "seed was 0, now 1",
        "training.learning_rate was 0.1, now 0.2",
    ]


def test_where_nothing_was_run_nothing_changes(tmp_path: Path) -> None:
    assert lab.changes(load(tmp_path), tmp_path / "out") == []
