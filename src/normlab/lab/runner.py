"""Runs the trials of an experiment that are not stored yet, and stores each when it is done."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from traceback import format_exception

from normlab import _checks
from normlab.lab.cluster import Cluster
from normlab.lab.design import Design
from normlab.lab.dispatch import Dispatch
from normlab.lab.engines import Engine, local_engine, n_processors
from normlab.lab.experiment import Experiment
from normlab.lab.outcomes import Failure
from normlab.lab.progress import Progress, Tally
from normlab.lab.provenance import RunRecord, save_experiment
from normlab.lab.results import Results
from normlab.lab.store import Store
from normlab.lab.stored_results import results_in, search
from normlab.lab.timings import Timing
from normlab.lab.trial import TrialResult, timed_trial


def run(
    experiment: Experiment,
    folder: str | PathLike[str],
    *,
    n_workers: int | None = None,
    scheduler: str | None = None,
    on_progress: Callable[[Progress], object] = lambda progress: None,
    fresh: bool = False,
    command: str | None = None,
) -> Results:
    """Run what is missing of an experiment, and return all of its results.

    Parameters
    ----------
    experiment
        What to run.
    folder
        Where trials are stored, each as soon as it is done. Those found there are not run again,
        so that the same call continues an interrupted run. Trials that failed run again.
    n_workers
        Worker processes; 1 runs in this process. Default: one a processor.
    scheduler
        Address of a Dask scheduler, such as ``"tcp://10.0.0.1:8786"``: trials run on its workers.
    on_progress
        Called while stored trials are read, when they have been, and after each trial.
    fresh
        Whether to discard the stored trials of this experiment and start over.
    command
        What the user typed, to be stored with the results.

    Raises
    ------
    StoreError
        Where the folder cannot be written, or another run is writing there.
    WorkerError
        Where workers cannot be started or reached. What was done is kept. A worker that dies
        meanwhile is no error: its trial runs again, and is a failure after the third time.
    """
    one_of_them = scheduler is None or n_workers is None
    rule = "be left out with a scheduler, which has workers of its own"
    _checks.require(one_of_them, "n_workers", rule, n_workers)
    n_workers = n_processors() if n_workers is None else n_workers
    _checks.integer("n_workers", n_workers, at_least=1)
    store, design = Store(Path(folder)), Design(experiment)
    with store.writing():
        if fresh:
            store.discard(design.names)
        save_experiment(design, store.folder)
        tally = Tally(len(design), on_progress)
        found = search(design, store, tally, set_aside=True)
        missing = [i for i, history in found if history is None]
        tally.report()
        if missing:
            with (
                local_engine(n_workers, len(missing)) if scheduler is None else Cluster(scheduler)
            ) as engine:
                record = RunRecord(store.folder, command, engine.name, len(missing))
                record.started()
                engine.prepare(design.one_of_each(missing))  # while workers load their code
                _run_missing(design, missing, store, tally, engine)
                record.finished()
        return results_in(design, store.folder)


def _run_missing(
    design: Design, missing: list[int], store: Store, tally: Tally, engine: Engine
) -> None:
    def done(i: int, timed: tuple[TrialResult, Timing]) -> None:
        result, timing = timed
        store.save(result, timing)
        tally.add(result.history)

    def failed(i: int, error: BaseException) -> None:
        failure = Failure(*design.places(i)[0], f"{type(error).__name__}: {error}")
        store.save_failure(design.names[i], failure, "".join(format_exception(error)))
        tally.fail()

    Dispatch(engine, lambda i: engine.submit(timed_trial, design.config(i)), done, failed).run(
        missing
    )
