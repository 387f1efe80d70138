"""The legend: what is drawn, and its name; arranged in columns that fit."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, TypeAlias

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from normlab.figures.marks import BOUND, CROSS, band, published_marks, solid_marks
from normlab.figures.measure import n_lines, widest, wrap
from normlab.figures.style import GREY, Look, Role
from normlab.lab import words

Legend: TypeAlias = list[tuple[Any, str]]
"""What is drawn, and its name."""

SIZE = 10.5  # points
ROW, HANDLE, SPACE = 0.23, 0.48, 0.24  # inches: a row, what is before a name, between columns


def legend(
    lines: Sequence[tuple[str, Role, Look]],
    *,
    markers: bool,
    joined: bool = True,
    band_name: str | None = None,
    diverged: str | None = None,
    unreached: str | None = None,
    published: bool = False,
) -> Legend:
    """Return the entries of the legend: the lines, the treatment first, then what else is drawn."""
    ordered = sorted(lines, key=lambda line: line[1] != "treatment")
    entries: Legend = [(_line(look, markers, joined), name) for name, _, look in ordered]
    entries = [entry for entry in entries if entry[1]]
    sample = [look for _, _, look in ordered[:3]]
    if band_name:
        patches = tuple(Patch(**band(look, len(lines))) for look in sample)
        entries.append((patches, band_name))
    if diverged:
        entries.append((Line2D([], [], color=GREY, linestyle="", **CROSS), diverged))
    if unreached:
        entries.append((Line2D([], [], color=GREY, linestyle="", **BOUND), unreached))
    if published:
        dots = tuple(Line2D([], [], linestyle="", **published_marks(look)) for look in sample)
        entries.append((dots, "published single run"))
    return entries


def range_of(n_replicates: Iterable[int]) -> str | None:
    """Return what a band is, None where no line has several replicates."""
    counts = [n for n in n_replicates if n]
    return f"range of {words.replicates(counts)}" if max(counts, default=0) > 1 else None


def mean_of(n_replicates: Iterable[int], mean: str = "mean") -> str:
    """Return what a line or a point is."""
    counts = [n for n in n_replicates if n]
    return (f"{mean} of " if max(counts, default=0) > 1 else "") + words.replicates(counts)


def arrange(entries: Legend, room: float) -> tuple[Legend, int, float]:
    """Return the entries, their names wrapped, and columns and height in ``room`` inches."""
    entries = [(handle, wrap(name, room - HANDLE, SIZE)) for handle, name in entries]
    names = [name for _, name in entries]
    for n_rows in range(1, len(names) + 1):
        columns = [column.tolist() for column in np.array_split(names, ceil(len(names) / n_rows))]
        if n_rows == len(names) or sum(map(_width, columns)) - SPACE <= room:
            rows = max(sum(n_lines([name]) for name in column) for column in columns)
            return entries, len(columns), ROW * rows
    return entries, 1, 0.0


def _width(column: list[str]) -> float:
    return HANDLE + widest(column, SIZE) + SPACE


def _line(look: Look, markers: bool, joined: bool) -> Line2D:
    """Return a line as the legend shows it."""
    marks = solid_marks(look) if markers else {}
    return Line2D([], [], color=look.color, linestyle=look.dashes if joined else "", **marks)
