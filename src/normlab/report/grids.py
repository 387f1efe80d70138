"""Tables as they are shown: cells that know what they sort by."""

from collections.abc import Iterable
from math import isnan
from typing import NamedTuple

from normlab.lab import words
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Levels
from normlab.lab.responses import Scale


class Cell(NamedTuple):
    """A text, and the number that it sorts by; nothing of both where there is no value."""

    text: str
    value: float | None = None


class Grid(NamedTuple):
    """A table; ``name`` tells a screen reader which."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    is_long: bool = False  # scrolls in a box of its own

    @property
    def numbers(self) -> tuple[bool, ...]:
        """Which columns hold numbers, and are aligned to the right."""
        return tuple(_is_number(column) for column in zip(*self.rows, strict=True))


NOTHING = Cell("")


def told(text: str, value: float) -> Cell:
    """Return the cell of a number that is already a text; nothing for NaN."""
    return NOTHING if isnan(value) else Cell(text, value)


def number(value: float, scale: Scale = "number") -> Cell:
    """Return the cell of a number, that of a share in four decimals; nothing for NaN."""
    if isnan(value):
        return NOTHING
    return Cell(f"{value:.4f}" if scale == "share" else words.number(value, 4), value)


def levels(experiment: Experiment, at: Levels) -> tuple[Cell, ...]:
    """Return the cells of a combination of levels: numbers sort as such, words as words."""
    cells = []
    for name, level in at.items():
        sorts_by = None if isinstance(level, bool | str) else float(level)
        cells.append(Cell(words.text(experiment, name, level), sorts_by))
    return tuple(cells)


def names(experiment: Experiment, factors: Iterable[str]) -> tuple[str, ...]:
    """Return the headings of columns of levels."""
    return tuple(words.symbol(experiment, name) for name in factors)


def without_empty(grid: Grid) -> Grid:
    """Return a table without its columns that hold nothing."""
    kept = [i for i in range(len(grid.header)) if any(row[i].text for row in grid.rows)]
    rows = tuple(tuple(row[i] for i in kept) for row in grid.rows)
    return grid._replace(header=tuple(grid.header[i] for i in kept), rows=rows)


def _is_number(column: Iterable[Cell]) -> bool:
    cells = [cell for cell in column if cell.text]
    return bool(cells) and all(cell.value is not None for cell in cells)
