import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import load, run
from normlab import lab
from normlab.data.mnist import BUNDLED
from normlab.errors import StoreError
from normlab.lab import Progress
from normlab.lab.trial import timed_trial


@pytest.fixture
def out(tmp_path: Path) -> Path:
    run(tmp_path, replicates=1)
    return tmp_path / "out"


def test_what_is_read_is_what_the_run_returned(tmp_path: Path) -> None:
    results = run(tmp_path, training__probes__names=["outputs", "gradients"])
    again = lab.read(tmp_path / "out")
    assert again.trials == results.trials
    assert again.to_csv() == results.to_csv()
    assert again.trials[0].history.probes


def test_times_are_read_with_the_trials(out: Path) -> None:
    assert all(trial.history.seconds_per_step > 0 for trial in lab.read(out).trials)


def test_reading_changes_nothing(out: Path) -> None:
    [first, *_] = (out / "trials").iterdir()
    first.write_bytes(b"")
    before = sorted(out.rglob("*"))
    seen: list[Progress] = []
    assert len(lab.read(out, on_progress=seen.append).trials) == 3
    assert sorted(out.rglob("*")) == before
    assert seen == [Progress(4, done=3, found=3, diverged=0, failed=0, set_aside=(first,))]


def test_results_are_read_without_the_data_they_came_from(tmp_path: Path) -> None:
    data = shutil.copytree(BUNDLED, tmp_path / "data")
    results = run(tmp_path, replicates=1, data__directory=str(data))
    shutil.rmtree(data)
    assert lab.read(tmp_path / "out").trials == results.trials


def test_results_are_read_without_data_that_varied(tmp_path: Path) -> None:
    folders = [_data(tmp_path / name, change=i) for i, name in enumerate("ab")]
    settings: dict[str, Any] = {
        "replicates": 1,
        "factors.weight_scale.field": "data.directory",
        "factors.weight_scale.levels": folders,
    }
    results = lab.run(load(tmp_path, settings=settings), tmp_path / "out", n_workers=1)
    assert not results.failures
    for folder in folders:
        shutil.rmtree(folder)
    assert lab.read(tmp_path / "out").trials == results.trials
    assert results.trials[0].history != results.trials[2].history


def _data(folder: Path, change: int) -> str:
    """A copy of MNIST, in which one pixel of the first image is another one."""
    shutil.copytree(BUNDLED, folder)
    path = folder / "train-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[16 + 300] += change * 100
    path.write_bytes(gzip.compress(bytes(content), compresslevel=1))
    return str(folder)


def test_failures_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(config: Any) -> Any:
        if config.network.normalization == "batch":
            raise FloatingPointError("made up")
        return timed_trial(config)

    monkeypatch.setattr("normlab.lab.runner.timed_trial", failing)
    results = run(tmp_path, replicates=1)
    again = lab.read(tmp_path / "out")
    assert len(results.failures) == 2
    assert again.failures == results.failures
    assert len(again.trials) == 2


def test_trials_of_another_set_up_are_left_out(tmp_path: Path) -> None:
    run(tmp_path, replicates=1)
    run(tmp_path, replicates=1, training__learning_rate=0.2)
    assert len([*(tmp_path / "out" / "trials").iterdir()]) == 8
    results = lab.read(tmp_path / "out")
    assert results.experiment.training.learning_rate == 0.2
    assert len(results.trials) == 4


def test_where_there_is_no_run_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nothing: holds no run \(no experiment.json\)"):
        lab.read(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema_version": 2}', "\0"])
def test_a_damaged_experiment_is_one_clear_line(text: str, out: Path) -> None:
    (out / "experiment.json").write_text(text)
    with pytest.raises(StoreError, match=r"experiment\.json: (is damaged|must have)") as caught:
        lab.read(out)
    assert "\n" not in str(caught.value)


def test_an_experiment_whose_parts_do_not_fit_is_damaged(out: Path) -> None:
    path = out / "experiment.json"
    tree = json.loads(path.read_text())
    tree["experiment"]["contrast"]["factor"] = "zzz"
    path.write_text(json.dumps(tree))
    with pytest.raises(StoreError, match=r"experiment\.json: is damaged: contrast.*'zzz'"):
        lab.read(out)


def test_a_run_of_another_schema_is_refused(out: Path) -> None:
    tree = json.loads((out / "experiment.json").read_text())
    (out / "experiment.json").write_text(json.dumps(tree | {"schema_version": 9}))
    with pytest.raises(StoreError, match="must have the schema version 2, got 9"):
        lab.read(out)


def test_counting_opens_no_trial(out: Path, tmp_path: Path) -> None:
    for path in (out / "trials").iterdir():
        path.write_bytes(b"")
    assert lab.n_stored(load(tmp_path, settings={"replicates": 1}), out) == 4
    assert lab.n_stored(load(tmp_path), str(tmp_path / "nothing")) == 0
