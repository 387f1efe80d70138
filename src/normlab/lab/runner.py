"""Runs the trials of an experiment that are not stored yet, and stores each when it is done."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from normlab import _checks
from normlab.errors import WorkerError
from normlab.lab.config import TrialConfig
from normlab.lab.engines import local_workers, n_processors, stop
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Levels, grid
from normlab.lab.results import Failure, Results, Trial
from normlab.lab.store import Store
from normlab.lab.trial import TrialResult, compile_kernels, timed_trial


class Progress(NamedTuple):
    """How far a run is."""

    total: int  # trials of the experiment
    done: int  # stored, before this run or by it
    found: int  # of those, stored before this run
    diverged: int
    failed: int
    set_aside: tuple[Path, ...] = ()  # damaged files, found before this run; their trials run again


def run(
    experiment: Experiment,
    folder: str | PathLike[str],
    *,
    n_workers: int | None = None,
    on_progress: Callable[[Progress], object] = lambda progress: None,
) -> Results:
    """Run what is missing of an experiment, and return all of its results.

    Parameters
    ----------
    experiment
        What to run.
    folder
        Where trials are stored, each as soon as it is done. Those found there are not run again,
        so that the same call continues an interrupted run.
    n_workers
        Worker processes; 1 runs in this process. Default: one a processor.
    on_progress
        Called at the start and after each trial.

    Raises
    ------
    StoreError
        Where the folder cannot be written.
    WorkerError
        Where worker processes cannot be started, or one died; what was done is kept.
    """
    n_workers = n_processors() if n_workers is None else n_workers
    _checks.integer("n_workers", n_workers, at_least=1)
    store = Store(Path(folder))
    store.save_experiment(experiment)
    tally = _Tally(experiment, store, on_progress)
    missing = []
    for levels, replicate, config in trials(experiment):
        result = store.load(config)
        if result is None:
            missing.append((levels, replicate, config))
        else:
            tally.add(levels, replicate, result, found=True)
    tally.report()
    if missing:
        _run_missing(missing, store, tally, min(n_workers, len(missing)))
    return tally.results()


def discard(experiment: Experiment, folder: Path) -> int:
    """Delete the stored trials of ``experiment`` in ``folder``; return how many there were."""
    return Store(folder).discard(config for _, _, config in trials(experiment))


def changes(experiment: Experiment, folder: Path) -> list[str]:
    """Return what the experiment run in ``folder`` last had otherwise in its set-up."""
    return Store(folder).changes(experiment)


def n_stored(experiment: Experiment, folder: Path) -> int:
    """Return how many trials of ``experiment`` are stored in ``folder``."""
    store = Store(folder)
    return sum(store.load(config) is not None for _, _, config in trials(experiment))


def trials(experiment: Experiment) -> Iterator[tuple[Levels, int, TrialConfig]]:
    """Return every trial: levels, replicate, configuration; one replicate after the other."""
    for replicate in range(experiment.replicates):
        for levels in grid(experiment.factors):
            yield levels, replicate, experiment.resolve(levels, replicate)


class _Tally:
    """What is done so far."""

    def __init__(
        self, experiment: Experiment, store: Store, on_progress: Callable[[Progress], object]
    ) -> None:
        self.experiment, self.store, self.on_progress = experiment, store, on_progress
        self.trials: list[Trial] = []
        self.failures: list[Failure] = []
        self.found = 0

    def add(
        self, levels: Levels, replicate: int, result: TrialResult, *, found: bool = False
    ) -> None:
        self.trials.append(Trial(levels, replicate, result.history()))
        self.found += found

    def fail(self, levels: Levels, replicate: int, error: BaseException) -> None:
        cause = f"{type(error).__name__}: {error}"
        self.failures.append(Failure(levels, replicate, cause))

    def report(self) -> None:
        diverged = sum(trial.history.diverged_at_step is not None for trial in self.trials)
        counts = (len(self.trials), self.found, diverged, len(self.failures))
        set_aside = tuple(self.store.set_aside)
        self.on_progress(Progress(self.experiment.n_trials, *counts, set_aside))

    def results(self) -> Results:
        return Results(self.experiment, self.trials, self.failures)


def _run_missing(
    missing: list[tuple[Levels, int, TrialConfig]], store: Store, tally: _Tally, n_workers: int
) -> None:
    executor = local_workers(n_workers)
    try:
        compile_kernels(config for _, _, config in missing)  # while workers load their code
        # Few in flight: results go to disk as they come, and stopping wastes little.
        in_flight = 2 * n_workers if n_workers > 1 else 1
        _keep_busy(executor, iter(missing), store, tally, in_flight)
    except BrokenExecutor as error:
        raise WorkerError(
            f"A worker process died ({type(error).__name__}), perhaps for want of memory. The"
            f" {len(tally.trials)} finished trials are kept in {store.folder}: the same command"
            " continues; --workers 1 needs the least memory."
        ) from None
    finally:
        stop(executor)


def _keep_busy(
    executor: Executor,
    waiting: Iterator[tuple[Levels, int, TrialConfig]],
    store: Store,
    tally: _Tally,
    in_flight: int,
) -> None:
    running: dict[Future[tuple[TrialResult, float]], tuple[Levels, int]] = {}
    while True:
        for levels, replicate, config in islice(waiting, in_flight - len(running)):
            running[executor.submit(timed_trial, config)] = (levels, replicate)
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            levels, replicate = running.pop(future)
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                raise error
            if error is not None:
                tally.fail(levels, replicate, error)
            else:
                result, seconds = future.result()
                store.save(result, seconds)
                tally.add(levels, replicate, result)
            tally.report()
