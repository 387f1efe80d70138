"""Everything on the page over several experiments."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from normlab import lab
from normlab.errors import StoreError
from normlab.report import verdicts
from normlab.report.verdicts import Count, VerdictView


class RunView(NamedTuple):
    """A run, and the address of its report where there is one."""

    title: str
    name: str
    question: str
    address: str | None
    is_quick: bool
    counts: tuple[Count, ...]
    verdicts: tuple[VerdictView, ...]


class Group(NamedTuple):
    """The claims about one thing, each with its run."""

    about: str
    claims: tuple[tuple[RunView, VerdictView], ...]


class IndexView(NamedTuple):
    """What the template lays out."""

    runs: tuple[RunView, ...]
    counts: tuple[Count, ...]
    groups: tuple[Group, ...]
    unread: tuple[str, ...]  # why a run could not be read


def view(folder: Path) -> IndexView:
    """Return the page over all runs directly below ``folder``."""
    runs, unread = [], []
    for path in _run_folders(folder):
        try:
            runs.append(_run(path))
        except StoreError as error:
            unread.append(str(error).replace(f"{folder}{os.sep}", ""))
    found = tuple(verdict for run in runs for verdict in run.verdicts)
    return IndexView(tuple(runs), verdicts.counts(found), tuple(_groups(runs)), tuple(unread))


def _run_folders(folder: Path) -> list[Path]:
    try:
        return sorted(path.parent for path in folder.glob("*/experiment.json"))
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror}.") from None


def _run(folder: Path) -> RunView:
    results = lab.read(folder)
    experiment, found = results.experiment, verdicts.views(results)
    page = folder / "report.html"
    return RunView(
        title=experiment.title,
        name=folder.name,
        question=experiment.question,
        address=f"{quote(folder.name)}/{page.name}" if page.exists() else None,
        is_quick=experiment.setting == "quick",
        counts=verdicts.counts(found),
        verdicts=found,
    )


def _groups(runs: list[RunView]) -> Iterator[Group]:
    claims = [(run, verdict) for run in runs for verdict in run.verdicts]
    for about in dict.fromkeys(verdict.about for _, verdict in claims):
        yield Group(about, tuple(pair for pair in claims if pair[1].about == about))
