import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lab.test_files import no_space
from lab.tiny import config, load, run, stored_bytes
from normlab import lab
from normlab.errors import StoreError
from normlab.lab import Progress
from normlab.lab.codec import DamagedError
from normlab.lab.identity import trial_id
from normlab.lab.outcomes import Failure
from normlab.lab.store import Store
from normlab.lab.timings import Timing, timing
from normlab.lab.trial import TrialResult, timed_trial

PROBES: dict[str, Any] = {"training__probes__names": ["outputs"]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "out")
    with store.writing():
        return store


@pytest.fixture
def timed(tmp_path: Path) -> tuple[TrialResult, Timing]:
    return timed_trial(config(tmp_path, **PROBES))


def name(timed: tuple[TrialResult, Timing]) -> str:
    return trial_id(timed[0].config)


def files(store: Store) -> list[str]:
    return sorted(path.name for path in store.trials.iterdir())


def test_what_is_saved_is_loaded(store: Store, timed: tuple[TrialResult, Timing]) -> None:
    store.save(*timed)
    loaded = store.load(name(timed))
    assert loaded == timed[0].history
    assert loaded is not None
    assert loaded.seconds_per_step == pytest.approx(timed[1].seconds_per_step, rel=1e-3)


def test_a_trial_is_named_by_its_configuration(
    store: Store, timed: tuple[TrialResult, Timing]
) -> None:
    store.save(*timed)
    assert files(store) == [f"{name(timed)}.json", f"{name(timed)}.npz"]


def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.load("a") is None


def test_a_trial_is_there_only_when_all_of_it_is(
    store: Store, timed: tuple[TrialResult, Timing], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def full_after_one(descriptor: int) -> None:
        calls.append(descriptor)
        (no_space if len(calls) > 1 else real)(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_after_one)
        with pytest.raises(StoreError, match=r"\.json: cannot be written: No space left"):
            store.save(*timed)
    assert files(store) == [f"{name(timed)}.npz"]
    assert store.load(name(timed)) is None


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_half_a_file_is_a_damaged_trial(
    suffix: str, store: Store, timed: tuple[TrialResult, Timing]
) -> None:
    store.save(*timed)
    path = store.path(name(timed)).with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamagedError):
        store.load(name(timed))


def test_a_trial_without_its_arrays_is_damaged(
    store: Store, timed: tuple[TrialResult, Timing]
) -> None:
    store.save(*timed)
    store.path(name(timed)).with_suffix(".npz").unlink()
    with pytest.raises(DamagedError, match="arrays are missing"):
        store.load(name(timed))


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_damaged_trial_runs_again_and_progress_says_so(suffix: str, tmp_path: Path) -> None:
    run(tmp_path, replicates=1, **PROBES)
    before = stored_bytes(tmp_path / "out")
    victim = next(path for path in (tmp_path / "out" / "trials").iterdir() if path.suffix == suffix)
    victim.write_bytes(victim.read_bytes()[:100])
    seen: list[Progress] = []
    settings = {"replicates": 1, "training.probes.names": ["outputs"]}
    experiment = load(tmp_path, settings=settings)
    lab.run(experiment, tmp_path / "out", n_workers=1, on_progress=seen.append)
    aside = victim.with_suffix(".damaged")
    assert (seen[0].found, seen[0].set_aside) == (3, (aside,))
    aside.unlink()
    assert stored_bytes(tmp_path / "out") == before


def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "out", tmp_path / "file"):
        with (
            pytest.raises(StoreError, match=r"file(/out)?: cannot be made"),
            Store(folder).writing(),
        ):
            pass


def test_a_trial_that_cannot_be_read_is_an_error(store: Store) -> None:
    store.path("a").mkdir()
    with pytest.raises(StoreError, match=r"a\.json: cannot be read: Is a directory"):
        store.load("a")


def test_a_full_disk_stops_the_run_with_what_was_stored_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def full_after_four(descriptor: int) -> None:
        calls.append(descriptor)
        (no_space if len(calls) > 4 else real)(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_after_four)
        with pytest.raises(StoreError, match="No space left on device"):
            run(tmp_path)
    assert len(files(Store(tmp_path / "out"))) == 2  # after experiment.json and run.json
    assert len(run(tmp_path).trials) == 8


def test_drafts_of_a_killed_run_are_swept_away(store: Store) -> None:
    (store.trials / ".a.json.0123abcd.draft").touch()
    with store.writing():
        assert files(store) == []


def test_discarding_deletes_these_trials_alone(
    store: Store, timed: tuple[TrialResult, Timing]
) -> None:
    store.save(*timed)
    store.path("another").touch()
    assert store.n_stored([name(timed), "third"]) == 1
    store.discard([name(timed)])
    assert files(store) == ["another.json"]
    assert store.n_stored([name(timed)]) == 0


def test_a_second_run_in_the_same_folder_is_refused(store: Store) -> None:
    with (
        store.writing(),
        pytest.raises(StoreError, match=r"out: another run is writing here. Wait for it"),
        Store(store.folder).writing(),
    ):
        pass
    with store.writing():
        pass


def test_reading_needs_no_lock(tmp_path: Path) -> None:
    run(tmp_path, replicates=1)
    with Store(tmp_path / "out").writing():
        assert len(lab.read(tmp_path / "out").trials) == 4


WRITER = """
import sys, time
from pathlib import Path
from normlab.lab.outcomes import Failure
from normlab.lab.store import Store

with Store(Path(sys.argv[1])).writing():
    print("here", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_run_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "here\n"
        with pytest.raises(StoreError, match="another run"), Store(tmp_path).writing():
            pass
        writer.send_signal(signal.SIGKILL)
    with Store(tmp_path).writing():
        pass


KILLED = """
import sys
from pathlib import Path
from lab.tiny import load
from normlab import lab

folder = Path(sys.argv[1])
settings = {"training.probes.names": ["outputs"], "replicates": 1000}
experiment = load(folder, settings=settings)
lab.run(experiment, folder / "out", n_workers=1)
"""


def test_a_kill_at_any_moment_leaves_each_trial_whole_or_absent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as run:
        patience = time.monotonic() + 30
        trials = tmp_path / "out" / "trials"
        while len([*trials.glob("[!.]*.json")]) < 20 and time.monotonic() < patience:
            time.sleep(0.003)
        run.send_signal(signal.SIGKILL)
    seen: list[Progress] = []
    results = lab.read(tmp_path / "out", on_progress=seen.append)
    assert len(results.trials) == len([*trials.glob("[!.]*.json")]) >= 20
    assert seen[-1].set_aside == ()


def test_a_failure_is_kept_until_the_trial_succeeds(
    store: Store, timed: tuple[TrialResult, Timing]
) -> None:
    levels: dict[str, Any] = {"weight_scale": 0.1, "normalization": "batch"}
    failure = Failure(levels, 0, "MemoryError: no more")
    store.save_failure(name(timed), failure, "where it was")
    [path] = store.failures.iterdir()
    tree = json.loads(path.read_text())
    assert (tree["levels"], tree["replicate"], tree["traceback"]) == (levels, 0, "where it was")
    assert store.cause_of_failure(name(timed)) == "MemoryError: no more"
    store.save(*timed)
    assert store.cause_of_failure(name(timed)) is None


@pytest.mark.parametrize("text", ["", "[1]", "{}"])
def test_a_damaged_failure_is_none(text: str, store: Store) -> None:
    (store.failures / "a.json").write_text(text)
    assert store.cause_of_failure("a") is None


def test_what_was_measured_survives_even_without_times(
    store: Store, timed: tuple[TrialResult, Timing]
) -> None:
    store.save(timed[0], timing(1, 1))
    (store.folder / "timings.csv").unlink()
    loaded = store.load(name(timed))
    assert loaded == timed[0].history
    assert loaded is not None
    assert loaded.seconds_per_step != loaded.seconds_per_step
