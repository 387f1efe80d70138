"""How far a run is: a bar on a terminal, plain lines elsewhere."""

from contextlib import AbstractContextManager
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from normlab.lab import Progress

SECONDS_BETWEEN_LINES = 5.0


class TerminalProgress(AbstractContextManager["TerminalProgress"]):
    """A bar with trials done, time left and how many diverged."""

    def __init__(self, console: Console) -> None:
        self.bar = Bar(
            TextColumn("trials"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
        )
        self.task = self.bar.add_task("trials", total=None, note="")

    def __enter__(self) -> "TerminalProgress":
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def __call__(self, progress: "Progress") -> None:
        """Show how far the run is."""
        self.bar.update(
            self.task,
            total=progress.total,
            completed=progress.done + progress.failed,
            note=_note(progress),
        )


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """A line at the start, every few seconds, and at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.printed = self.first_done = monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def __call__(self, progress: "Progress") -> None:
        """Print how far the run is, if it is time to."""
        now, done = monotonic(), progress.done + progress.failed
        computed, waiting = done - progress.found, progress.total - done
        if computed <= 1:
            self.first_done = now
        if computed and waiting and now - self.printed < SECONDS_BETWEEN_LINES:
            return
        self.printed = now
        left = ""
        if computed > 1 and waiting:
            # From the first trial on: before it, workers were starting.
            seconds = (now - self.first_done) / (computed - 1) * waiting
            left = f", about {seconds:.0f} s left"
        note = _note(progress)
        self.console.print(f"{done}/{progress.total} trials{left}{', ' if note else ''}{note}")


def _note(progress: "Progress") -> str:
    counts = {"diverged": progress.diverged, "failed": progress.failed}
    return ", ".join(f"{n} {what}" for what, n in counts.items() if n)
