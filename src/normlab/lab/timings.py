"""How long trials took and where, in a file of its own: ``timings.csv``.

Everything else that is stored has the same bits wherever it runs. A line that was torn when the
program was killed is passed over, and the last line of a trial counts.
"""

import csv
import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from normlab._version import __version__
from normlab.errors import StoreError


class Timing(NamedTuple):
    """The time of one trial, taken where it ran."""

    seconds: float
    seconds_per_step: float
    finished_at: str
    normlab: str
    python: str
    machine: str
    processors: int | None


COLUMNS = ("trial", *Timing._fields)


def timing(seconds: float, seconds_per_step: float) -> Timing:
    """Return the timing of a trial that just ended in this process."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    machine, python = platform.platform(terse=True), platform.python_version()
    return Timing(seconds, seconds_per_step, now, __version__, python, machine, os.cpu_count())


def append(path: Path, trial: str, timing: Timing) -> None:
    """Add the line of one trial."""
    seconds, each, *where = timing
    line = _line((trial, f"{seconds:.3f}", f"{each:.4g}", *where))
    try:
        with path.open("a+b") as file:
            if file.tell() == 0:
                line = _line(COLUMNS) + line
            else:
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}.") from None


def seconds_per_step(path: Path) -> dict[str, float]:
    """Return the time of a step of each trial in the file, none where there is no file."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}.") from None
    found, column = {}, COLUMNS.index("seconds_per_step")
    for line in text.splitlines():
        row = next(csv.reader([line]), [])  # each alone: a torn line may open a quotation
        if len(row) == len(COLUMNS):
            with suppress(ValueError):  # the heading
                found[row[0]] = float(row[column])
    return found


def _line(row: Iterable[object]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()
