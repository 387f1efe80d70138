"""The runs in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.cli.progress import progress
from normlab.cli.tables import stderr
from normlab.errors import StoreError

if TYPE_CHECKING:
    from normlab.lab import Progress, Results

RECORD = "experiment.json"
"""What a folder with a run in it holds."""


def read_all(folder: Path) -> Iterator[tuple[Path, "Results"]]:
    """Yield each run in a folder, or the folder itself, with its results.

    Raises
    ------
    StoreError
        Where there is no run.
    """
    for path in runs_in(folder):
        yield path, _read(path)


def _read(folder: Path) -> "Results":
    """Read a run, and say what is missing, which its command trains again."""
    from normlab import lab
    from normlab.lab.progress_lines import of_trials

    reports: list[Progress] = []
    with progress(f"trials read of {folder}") as show_progress:
        show_trials = of_trials(show_progress)

        def report(progress: "Progress") -> None:
            reports[:] = [progress]
            show_trials(progress)

        results = lab.read(folder, on_progress=report)
    [last], words = reports, stderr()
    for path in last.set_aside:
        words.print(f"damaged, left out: {path}")
    if last.done + last.failed < last.total:
        there = f"{last.done} of {last.total} trials are there"
        words.print(f"{folder}: {there}; the command of the run trains the others.")
    return results


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a run."""
    from normlab.lab.files import is_file

    return is_file(folder / RECORD)


def runs_in(folder: Path) -> list[Path]:
    """Return the folder itself where it is that of a run, or else those of runs directly below."""
    if is_run(folder):
        return [folder]
    try:
        found = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror}.") from None
    if not found:
        raise StoreError(f"{folder}: holds no run, and no folder of one. normlab run makes one.")
    return found
