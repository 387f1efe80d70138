"""Worker processes that die at their work."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import load, run, stored_bytes, trials
from normlab import lab
from normlab.lab import Progress, Results, runner
from normlab.lab.config import TrialConfig
from normlab.lab.engines import LocalWorkers, local_engine
from normlab.lab.trial import timed_trial


def deadly(config: TrialConfig) -> Any:
    """Die in one of the trials, each time."""
    if (config.network.weight_init, config.network.normalization) == (0.1, "batch"):
        os.kill(os.getpid(), signal.SIGKILL)
    return timed_trial(config)


def deadly_once(config: TrialConfig, witness: Path) -> Any:
    """Die in the first trial of all."""
    with suppress(FileExistsError):
        witness.touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
    return timed_trial(config)


def signed(config: TrialConfig, folder: Path) -> Any:
    """Leave a file named by the process."""
    (folder / str(os.getpid())).touch()
    return timed_trial(config)


@pytest.fixture
def bits(tmp_path: Path) -> dict[str, bytes]:
    """What one worker stores, in this process."""
    (tmp_path / "alone").mkdir()
    run(tmp_path / "alone", replicates=1)
    return stored_bytes(tmp_path / "alone" / "out")


def run_with(
    function: Callable[[TrialConfig], Any],
    folder: Path,
    patch: pytest.MonkeyPatch,
    on_progress: Callable[[Progress], object] = lambda progress: None,
) -> Results:
    """Run the tiny experiment on two workers with another ``timed_trial``."""
    experiment = load(folder, settings={"replicates": 1})
    with patch.context() as patched:
        patched.setattr(runner, "timed_trial", function)
        return lab.run(experiment, folder / "out", n_workers=2, on_progress=on_progress)


def test_a_trial_that_always_kills_its_worker_fails_and_the_others_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: dict[str, bytes]
) -> None:
    results = run_with(deadly, tmp_path, monkeypatch)
    assert len(results.trials) == 3
    [failure] = results.failures
    assert failure.levels == {"weight_scale": 0.1, "normalization": "batch"}
    assert failure.cause.startswith("WorkerError: its worker process died 3 times, the last with")
    assert "exit code -9 (SIGKILL)" in failure.cause
    run(tmp_path, replicates=1)
    assert stored_bytes(tmp_path / "out") == bits


def test_a_trial_that_kills_its_worker_once_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: dict[str, bytes]
) -> None:
    once = partial(deadly_once, witness=tmp_path / "witness")
    assert run_with(once, tmp_path, monkeypatch).failures == ()
    assert (tmp_path / "witness").exists()
    assert stored_bytes(tmp_path / "out") == bits


def test_a_worker_killed_from_outside_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: dict[str, bytes]
) -> None:
    (tmp_path / "pids").mkdir()

    def kill_one(progress: Progress) -> None:
        if progress.done == 2:
            [pid, *_] = (tmp_path / "pids").iterdir()
            os.kill(int(pid.name), signal.SIGKILL)

    noted = partial(signed, folder=tmp_path / "pids")
    assert run_with(noted, tmp_path, monkeypatch, kill_one).failures == ()
    assert stored_bytes(tmp_path / "out") == bits


def test_the_last_trial_runs_in_a_process_of_its_own_all_the_same() -> None:
    # It may be the one that kills.
    with local_engine(n_workers=2, n_calls=1) as engine:
        assert isinstance(engine, LocalWorkers)
        assert engine.n_workers == 1


def test_dead_workers_leave_preparing_to_this_process(tmp_path: Path) -> None:
    one = next(iter(trials(load(tmp_path))))[2]
    with LocalWorkers(1) as workers:
        workers.submit(os._exit, 7).exception()
        workers.prepare([one])
        with pytest.raises(BrokenExecutor):
            workers.submit(os.getpid)
