"""The runs in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from normlab.cli.progress import progress
from normlab.errors import StoreError

if TYPE_CHECKING:
    from normlab.lab import Results

RECORD = "experiment.json"
"""What a folder with a run in it holds."""


def read_all(folder: Path) -> Iterator[tuple[Path, "Results"]]:
    """Yield each run in a folder, or the folder itself, with its results.

    Raises
    ------
    StoreError
        Where there is no run.
    """
    from normlab import lab
    from normlab.lab.progress_lines import of_trials

    for path in runs_in(folder):
        with progress(f"trials read of {path}") as show_progress:
            results = lab.read(path, on_progress=of_trials(show_progress))
        yield path, results


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a run."""
    return (folder / RECORD).is_file()


def runs_in(folder: Path) -> list[Path]:
    """Return the folder itself where it is that of a run, or else those of runs directly below."""
    if is_run(folder):
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{RECORD}"))
    if not found:
        raise StoreError(f"{folder}: holds no run, and no folder of one. normlab run makes one.")
    return found
