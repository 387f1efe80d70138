import csv
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import config, run, stored_bytes
from normlab import lab
from normlab.errors import StoreError
from normlab.lab import Progress
from normlab.lab.store import Store, write_file
from normlab.lab.trial import TrialResult, run_trial, trial_id


@pytest.fixture
def result(tmp_path: Path) -> TrialResult:
    return run_trial(config(tmp_path))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "out")


def only_file(store: Store) -> Path:
    [path] = store.trials.iterdir()
    return path


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_is_saved_is_loaded(store: Store, result: TrialResult) -> None:
    store.save(result, 0.1)
    loaded = store.load(result.config)
    assert loaded is not None
    assert loaded.model_dump_json() == result.model_dump_json()


def test_a_trial_is_one_file_named_by_its_configuration(store: Store, result: TrialResult) -> None:
    store.save(result, 0.1)
    assert only_file(store).name == f"{trial_id(result.config)}.json"
    assert json.loads(only_file(store).read_text())["schema_version"] == 1


def test_what_is_not_there_is_none(store: Store, result: TrialResult) -> None:
    assert store.load(result.config) is None
    assert store.set_aside == []


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_file(path, b"before")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreError, match=r"a\.json: cannot be written: No space left on device"):
        write_file(path, b"after")
    assert path.read_bytes() == b"before"
    assert [*tmp_path.iterdir()] == [path]


def test_an_interrupt_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.json", b"after")
    assert [*tmp_path.iterdir()] == []


def _cut(text: str) -> str:
    return text[: len(text) // 2]


def _of_another_schema(text: str) -> str:
    return text.replace('"schema_version": 1', '"schema_version": 2')


def _of_another_trial(text: str) -> str:
    return text.replace('"seed": 0', '"seed": 1')


@pytest.mark.parametrize(
    "damage", [_cut, _of_another_schema, _of_another_trial, lambda _: "", lambda _: "\0" * 99]
)
def test_a_damaged_file_is_set_aside(damage: Any, store: Store, result: TrialResult) -> None:
    store.save(result, 0.1)
    path = only_file(store)
    path.write_text(damage(path.read_text()))
    assert store.load(result.config) is None
    assert store.set_aside == [path.with_suffix(".damaged")]
    assert only_file(store) == path.with_suffix(".damaged")


def test_the_trial_of_a_damaged_file_runs_again_and_progress_says_so(tmp_path: Path) -> None:
    run(tmp_path)
    before = stored_bytes(tmp_path / "out")
    damaged = next((tmp_path / "out" / "trials").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:100])
    seen: list[Progress] = []
    experiment = lab.load(str(tmp_path / "tiny.toml"))
    lab.run(experiment, tmp_path / "out", n_workers=1, on_progress=seen.append)
    assert (seen[0].found, seen[0].set_aside) == (7, (damaged.with_suffix(".damaged"),))
    damaged.with_suffix(".damaged").unlink()
    assert stored_bytes(tmp_path / "out") == before


def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/out: cannot be made: Not a directory"):
        Store(tmp_path / "file" / "out")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file: cannot be made"):
        Store(tmp_path / "file")


def test_a_trial_that_cannot_be_read_is_an_error(store: Store, result: TrialResult) -> None:
    (store.trials / f"{trial_id(result.config)}.json").mkdir()
    with pytest.raises(StoreError, match=r"\.json: cannot be read: Is a directory"):
        store.load(result.config)


def test_a_full_disk_stops_the_run_with_what_was_stored_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def full_after_three(descriptor: int) -> None:
        calls.append(descriptor)
        (no_space if len(calls) > 3 else real)(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_after_three)
        with pytest.raises(StoreError, match="No space left on device"):
            run(tmp_path)
    assert len([*(tmp_path / "out" / "trials").iterdir()]) == 2  # after experiment.json
    assert len(run(tmp_path).trials) == 8


def test_times_stand_apart_with_the_machine(store: Store, result: TrialResult) -> None:
    store.save(result, 1.23456)
    store.save(result, 2)
    with (store.folder / "timings.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["trial"], first["seconds"]) == (trial_id(result.config), "1.235")
    assert second["seconds"] == "2.000"
    assert first["python"]
    assert first["machine"]


def test_discarding_deletes_the_trials_of_the_experiment_alone(tmp_path: Path) -> None:
    run(tmp_path)
    other = tmp_path / "out" / "trials" / "another.json"
    other.touch()
    experiment = lab.load(str(tmp_path / "tiny.toml"))
    assert lab.discard(experiment, tmp_path / "out") == 8
    assert [*other.parent.iterdir()] == [other]
    assert lab.discard(experiment, tmp_path / "out") == 0


def test_the_stored_experiment_names_no_path(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    store = Store(folder)
    store.save_experiment(lab.load("weight-scale"))
    text = (folder / "experiment.json").read_text()
    assert json.loads(text)["training"]["learning_rate"] == 0.01
    assert str(Path(lab.__file__).parent) not in text
