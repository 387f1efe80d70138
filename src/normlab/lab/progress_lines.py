"""How far some work is, in plain lines on stderr."""

import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from normlab.lab.progress import Progress

PATIENCE = 2.0
"""Seconds of work that nothing is said about."""

SECONDS_BETWEEN_LINES = 5.0


class Show(Protocol):
    """Shows that so many parts of all are done, ``found`` of them before the work began."""

    def __call__(self, done: int, total: int, *, found: int = 0, note: str = "") -> object:
        """Show it."""


class Lines:
    """A line when patience is over, every few seconds, and at the end; none for short work."""

    def __init__(self, what: str, *, patience: float = PATIENCE) -> None:
        self.what = what
        self.first_done = monotonic()
        self.due = self.first_done + patience
        self.has_begun = False

    def __call__(self, done: int, total: int, *, found: int = 0, note: str = "") -> None:
        """Print how far the work is, if it is time to."""
        now, computed, waiting = monotonic(), done - found, total - done
        if computed <= 1:
            self.first_done = now
        if now < self.due and (waiting or not self.has_begun):
            return
        self.due, self.has_begun = now + SECONDS_BETWEEN_LINES, True
        left = ""
        if computed > 1 and waiting:
            # From the first one on: before it, workers were starting.
            left = f"about {(now - self.first_done) / (computed - 1) * waiting:.0f} s left"
        parts = [f"{done}/{total} {self.what}", left, note]
        sys.stderr.write(", ".join(part for part in parts if part) + "\n")


def of_trials(show: Show) -> Callable[["Progress"], None]:
    """Return what shows how far a run is."""

    def report(progress: "Progress") -> None:
        counts = {"diverged": progress.diverged, "failed": progress.failed}
        note = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        done = progress.done + progress.failed
        show(done, progress.total, found=progress.found, note=note)

    return report
