import json
import os
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import config, load, run, stored_bytes
from normlab import lab
from normlab.errors import ArgumentError, StoreError
from normlab.lab import Progress, runner
from normlab.lab.config import TrialConfig
from normlab.lab.trial import timed_trial


def timed(seen: list[TrialConfig]) -> Any:
    """A ``timed_trial`` that takes notes."""

    def noted(config: TrialConfig) -> Any:
        seen.append(config)
        return timed_trial(config)

    return noted


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[TrialConfig]]:
    """The trials that are computed in this process."""
    seen: list[TrialConfig] = []
    with monkeypatch.context() as patch:
        patch.setattr(runner, "timed_trial", timed(seen))
        yield seen


def test_a_run_computes_and_stores_every_trial(tmp_path: Path, computed: list[TrialConfig]) -> None:
    results = run(tmp_path)
    assert len(results.trials) == len(computed) == 8
    assert len([*(tmp_path / "out" / "trials").iterdir()]) == 8


def test_a_second_run_computes_nothing(tmp_path: Path, computed: list[TrialConfig]) -> None:
    first = run(tmp_path)
    computed.clear()
    assert run(tmp_path).to_csv() == first.to_csv()
    assert computed == []


def test_a_run_computes_only_what_is_missing(tmp_path: Path, computed: list[TrialConfig]) -> None:
    run(tmp_path)
    missing = sorted((tmp_path / "out" / "trials").iterdir())[:3]
    for path in missing:
        path.unlink()
    computed.clear()
    run(tmp_path)
    assert len(computed) == 3


def test_more_replicates_keep_those_there_are(tmp_path: Path, computed: list[TrialConfig]) -> None:
    run(tmp_path)
    computed.clear()
    run(tmp_path, replicates=3)
    assert {config.replicate for config in computed} == {2}
    assert len(computed) == 4


def test_another_set_up_shares_the_folder_but_no_trials(
    tmp_path: Path, computed: list[TrialConfig]
) -> None:
    run(tmp_path)
    computed.clear()
    run(tmp_path, training__learning_rate=0.2)
    assert len(computed) == 8


def test_workers_and_interruptions_change_no_bit(tmp_path: Path) -> None:
    alone, together, resumed = (tmp_path / name for name in ("alone", "together", "resumed"))
    for folder in (alone, together, resumed):
        folder.mkdir()
    table = run(alone).to_csv()
    assert run(together, n_workers=2).to_csv() == table
    _interrupted_after(3, resumed)
    assert run(resumed, n_workers=2).to_csv() == table
    bits = stored_bytes(alone / "out")
    assert stored_bytes(together / "out") == bits
    assert stored_bytes(resumed / "out") == bits


def _interrupted_after(n_trials: int, folder: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == n_trials:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        lab.run(load(folder), folder / "out", n_workers=1, on_progress=interrupt)


def test_an_interrupted_run_keeps_every_finished_trial(tmp_path: Path) -> None:
    _interrupted_after(3, tmp_path)
    assert lab.n_stored(load(tmp_path), tmp_path / "out") == 3


def test_a_failing_trial_is_recorded_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(config: TrialConfig) -> Any:
        if config.replicate == 1 and config.network.normalization == "batch":
            raise FloatingPointError("made up")
        return timed_trial(config)

    monkeypatch.setattr(runner, "timed_trial", failing)
    results = run(tmp_path)
    assert len(results.trials) == 6
    assert [failure.cause for failure in results.failures] == ["FloatingPointError: made up"] * 2
    assert {failure.replicate for failure in results.failures} == {1}
    [stored, _] = (tmp_path / "out" / "failures").iterdir()
    tree = json.loads(stored.read_text())
    assert tree["cause"] == "FloatingPointError: made up"
    assert "in failing" in tree["traceback"]


def test_a_failed_trial_runs_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(config: TrialConfig) -> Any:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(runner, "timed_trial", failing)
        assert len(run(tmp_path).failures) == 8
    assert len(run(tmp_path).trials) == 8
    assert [*(tmp_path / "out" / "failures").iterdir()] == []


def test_progress_is_told_at_the_start_and_after_each_trial(tmp_path: Path) -> None:
    seen: list[Progress] = []
    lab.run(load(tmp_path), tmp_path / "out", n_workers=1, on_progress=seen.append)
    assert [progress.done for progress in seen] == [*range(9)]
    assert {progress.total for progress in seen} == {8}


def test_progress_counts_what_was_found_and_what_diverged(tmp_path: Path) -> None:
    wild = load(tmp_path, settings={"training.learning_rate": 1e30, "replicates": 1})
    seen: list[Progress] = []
    lab.run(wild, tmp_path / "out", n_workers=1)
    lab.run(wild, tmp_path / "out", n_workers=1, on_progress=seen.append)
    assert seen == [Progress(total=4, done=4, found=4, diverged=4, failed=0)]


@pytest.mark.parametrize("n_workers", [-1, 1.5, "2"])
def test_the_number_of_workers_is_a_count(n_workers: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="n_workers must be an integer of at least 1"):
        lab.run(load(tmp_path), tmp_path / "out", n_workers=n_workers)


def test_fresh_starts_over(tmp_path: Path, computed: list[TrialConfig]) -> None:
    run(tmp_path)
    run(tmp_path, replicates=3)
    computed.clear()
    lab.run(load(tmp_path), tmp_path / "out", n_workers=1, fresh=True)
    assert len(computed) == 8
    assert len([*(tmp_path / "out" / "trials").iterdir()]) == 12  # the third replicate's stay


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    def second(progress: Progress) -> None:
        if progress.done == 3:
            run(tmp_path)

    with pytest.raises(StoreError, match="another run is writing here"):
        lab.run(load(tmp_path), tmp_path / "out", n_workers=1, on_progress=second)


def test_progress_is_told_while_many_stored_trials_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    monkeypatch.setattr("normlab.lab.progress.SECONDS_BETWEEN_REPORTS", 0)
    seen: list[Progress] = []
    lab.run(load(tmp_path), tmp_path / "out", n_workers=1, on_progress=seen.append)
    assert [progress.found for progress in seen] == [*range(1, 9), 8]


def test_memory_does_not_grow_with_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history takes 1 kB or more; a trial that is done takes no memory at all."""
    result = timed_trial(config(tmp_path))
    used: list[int] = []

    def stub(config: TrialConfig) -> Any:
        return result[0]._replace(config=config), result[1]

    def measure(progress: Progress) -> None:
        if progress.done in (50, 250):
            used.append(tracemalloc.get_traced_memory()[0])

    monkeypatch.setattr(runner, "timed_trial", stub)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    experiment = load(tmp_path, settings={"replicates": 65})
    tracemalloc.start()
    lab.run(experiment, tmp_path / "out", n_workers=1, on_progress=measure)
    tracemalloc.stop()
    assert used[1] - used[0] < 200 * 100


def test_workers_of_this_machine_and_a_cluster_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"n_workers must be left out with .*, got 2"):
        lab.run(load(tmp_path), tmp_path / "out", n_workers=2, scheduler="tcp://127.0.0.1:1")
    assert not (tmp_path / "out").exists()
