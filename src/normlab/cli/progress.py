"""How far long work is: a bar on a terminal, plain lines elsewhere, nothing for short work."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

from normlab.cli.tables import stderr

if TYPE_CHECKING:
    from rich.console import Console

    from normlab.lab.progress_lines import Show


@contextmanager
def progress(what: str, *, at_once: bool = False) -> Iterator["Show"]:
    """Give what shows how far some work is; ``at_once`` from its beginning."""
    from normlab.lab.progress_lines import PATIENCE, Lines

    patience = 0.0 if at_once else PATIENCE
    words = stderr()
    if not words.is_terminal:
        yield Lines(what, patience=patience)
        return
    bar = _Bar(what, words)
    timer = Timer(patience, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield bar
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


class _Bar:
    """A bar with parts done, time left and a note."""

    def __init__(self, what: str, console: "Console") -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self.bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
        )
        self.task = self.bar.add_task(what, total=None, note="")
        self.start, self.stop = self.bar.start, self.bar.stop

    def __call__(self, done: int, total: int, *, found: int = 0, note: str = "") -> None:
        """Show it."""
        self.bar.update(self.task, total=total, completed=done, note=note)
