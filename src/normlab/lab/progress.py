"""How far a run is, in counts."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from normlab.training import History

SECONDS_BETWEEN_REPORTS = 0.1


class Progress(NamedTuple):
    """How far a run is."""

    total: int  # trials of the experiment
    done: int  # stored, before this run or by it
    found: int  # of those, stored before this run
    diverged: int
    failed: int
    set_aside: tuple[Path, ...] = ()  # damaged files, found before this run; their trials run again


class Tally:
    """Counts what is done, and tells it."""

    def __init__(self, total: int, on_progress: Callable[[Progress], object]) -> None:
        self.total, self.on_progress = total, on_progress
        self.found = self.done = self.diverged = self.failed = 0
        self.damaged: list[Path] = []
        self._reported = monotonic()

    def find(self, history: History | None) -> None:
        """Count a trial that was looked for in the folder, and tell so now and then."""
        if history is not None:
            self.found += 1
            self._count(history)
        if monotonic() - self._reported > SECONDS_BETWEEN_REPORTS:
            self.report()

    def add(self, history: History) -> None:
        """Count a trial that has just been stored."""
        self._count(history)
        self.report()

    def fail(self) -> None:
        """Count a trial that ended in an error."""
        self.failed += 1
        self.report()

    def report(self) -> None:
        """Tell how far it is."""
        self._reported = monotonic()
        counts = (self.total, self.done, self.found, self.diverged, self.failed)
        self.on_progress(Progress(*counts, tuple(self.damaged)))

    def _count(self, history: History) -> None:
        self.done += 1
        self.diverged += history.diverged_at_step is not None
