"""The results of a run on disk: one folder a run, one file a trial.

::

    experiment.json      the experiment as it was run, every default filled in
    published.csv        the published values, where there are any
    run.json             how it was run: command, workers, versions, machine, when
    trials/ID.json       one trial each, named by the hash of its resolved configuration
    trials/ID.npz        what its probes saw, where it has any
    failures/ID.json     a trial that ended in an error, until it succeeds
    timings.csv          seconds of each trial as it was run, with the machine
    .lock                held by the run that is writing here

A trial is there as soon as its JSON is, which is written last, in one step.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from math import nan
from pathlib import Path

from filelock import FileLock, Timeout

from normlab.errors import StoreError
from normlab.lab import timings
from normlab.lab.codec import DamagedError, decode, encode
from normlab.lab.files import DRAFTS, delete_file, make_folder, read_file, write_file, write_json
from normlab.lab.identity import SCHEMA, trial_id
from normlab.lab.outcomes import Failure
from normlab.lab.timings import Timing
from normlab.lab.trial import TrialResult
from normlab.training import History


class Store:
    """The folder of a run. Reading changes nothing in it; who writes holds ``writing()``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trials = folder / "trials"
        self.failures = folder / "failures"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other runs from writing here; the system ends that when a process is killed."""
        for folder in (self.folder, self.trials, self.failures):
            make_folder(folder)
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"{self.folder}: another run is writing here. Wait for it, or choose another"
                " folder."
            ) from None
        except OSError as error:
            raise StoreError(f"{self.folder}: cannot be written: {error.strerror}.") from None
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def load(self, trial: str) -> History | None:
        """Return the history of a stored trial, or None where there is none.

        Raises
        ------
        DamagedError
            Where its files are not as they were written, or of another schema.
        """
        try:
            text = read_file(self.path(trial))
        except FileNotFoundError:
            return None
        arrays = self.path(trial).with_suffix(".npz")
        try:
            return decode(text, lambda: read_file(arrays), self._seconds_per_step.get(trial, nan))
        except FileNotFoundError:
            raise DamagedError("its arrays are missing") from None

    def save(self, result: TrialResult, timing: Timing) -> None:
        """Store a trial, and its time beside it."""
        trial = trial_id(result.config)
        text, arrays = encode(result)
        if arrays is not None:
            write_file(self.path(trial).with_suffix(".npz"), arrays)
        timings.append(self.folder / "timings.csv", trial, timing)
        write_file(self.path(trial), text)
        delete_file(self.failures / f"{trial}.json")

    def set_aside(self, trial: str) -> Path:
        """Move a damaged trial out of the way, and return where it is now."""
        path = self.path(trial)
        damaged = path.with_suffix(".damaged")
        try:
            path.replace(damaged)
        except OSError as error:
            raise StoreError(f"{path}: is damaged, cannot be moved: {error.strerror}.") from None
        return damaged

    def save_failure(self, trial: str, failure: Failure, traceback: str) -> None:
        """Store how a trial ended."""
        tree = {"schema_version": SCHEMA, **failure._asdict(), "traceback": traceback}
        write_json(self.failures / f"{trial}.json", tree)

    def cause_of_failure(self, trial: str) -> str | None:
        """Return why a trial failed when it ran last, or None where it did not."""
        try:
            return str(json.loads(read_file(self.failures / f"{trial}.json"))["cause"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def n_stored(self, trials: Iterable[str]) -> int:
        """Return how many of these trials are stored. Their files are not opened."""
        return len({f"{trial}.json" for trial in trials} & _names(self.trials))

    def discard(self, trials: Iterable[str]) -> None:
        """Delete these trials."""
        there = _names(self.trials) | _names(self.failures)
        for trial in trials:
            if f"{trial}.json" in there or f"{trial}.npz" in there:
                delete_file(self.path(trial))  # first, because it says that the rest is there
                delete_file(self.path(trial).with_suffix(".npz"))
                delete_file(self.failures / f"{trial}.json")

    def path(self, trial: str) -> Path:
        """Return the path of a trial's file."""
        return self.trials / f"{trial}.json"

    @cached_property
    def _seconds_per_step(self) -> dict[str, float]:
        return timings.seconds_per_step(self.folder / "timings.csv")

    def _sweep(self) -> None:
        """Delete what a killed run left half-written."""
        for folder in (self.trials, self.failures):
            for draft in folder.glob(DRAFTS):
                delete_file(draft)


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror}.") from None
