"""What the folder of a run holds, from its files alone."""

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

from normlab.lab.codec import DamagedError
from normlab.lab.design import Design
from normlab.lab.experiment import Experiment
from normlab.lab.outcomes import Failure, Trial
from normlab.lab.progress import Progress, Tally
from normlab.lab.provenance import load_experiment
from normlab.lab.results import Results
from normlab.lab.store import Store
from normlab.training import History


def read(
    folder: str | PathLike[str],
    *,
    on_progress: Callable[[Progress], object] = lambda progress: None,
) -> Results:
    """Return the results of the experiment that was run in ``folder`` last.

    Nothing else is needed, not even the data, and nothing is changed: a run may be writing there.

    Parameters
    ----------
    folder
        Where ``run`` stored its trials.
    on_progress
        Called while trials are read, and at the end. Damaged files stay where they are, are
        listed as ``set_aside``, and their trials are missing.

    Raises
    ------
    StoreError
        Where there is no run, or its files cannot be read.
    """
    design = load_experiment(Path(folder))
    return results_in(design, Path(folder), on_progress)


def n_stored(experiment: Experiment, folder: str | PathLike[str]) -> int:
    """Return how many trials of ``experiment`` are stored in ``folder``."""
    return Store(Path(folder)).n_stored(Design(experiment).names)


def results_in(
    design: Design,
    folder: Path,
    on_progress: Callable[[Progress], object] = lambda progress: None,
) -> Results:
    """Return the results of a design that are stored in ``folder``."""
    store, tally = Store(folder), Tally(len(design), on_progress)
    trials, failures = [], []
    for i, history in search(design, store, tally, set_aside=False):
        cause = store.cause_of_failure(design.names[i]) if history is None else None
        tally.failed += cause is not None
        for place in design.places(i):
            if history is not None:
                trials.append(Trial(*place, history))
            elif cause is not None:
                failures.append(Failure(*place, cause))
    tally.report()
    return Results(design.experiment, trials, failures)


def search(
    design: Design, store: Store, tally: Tally, *, set_aside: bool
) -> Iterator[tuple[int, History | None]]:
    """Yield each trial by number with what is stored of it, None where that is nothing.

    Damaged files are noted, and with ``set_aside`` they are moved out of the way.
    """
    for i, name in enumerate(design.names):
        history = None
        try:
            history = store.load(name)
        except DamagedError:
            tally.damaged.append(store.set_aside(name) if set_aside else store.path(name))
        tally.find(history)
        yield i, history
