"""Every trial with its responses; where there are many, every combination of levels."""

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray
from normlab.lab.factors import Levels
from normlab.lab.responses import Scale
from normlab.lab.results import Results
from normlab.report import grids
from normlab.report.grids import Cell, Grid

MOST = 2000
"""Above so many trials, a row is a combination of levels."""


class Column(NamedTuple):
    """A response of every trial."""

    heading: str
    scale: Scale
    values: FloatArray  # (*levels, replicates), NaN where there is none
    unreached: NDArray[np.bool_]


def grid(results: Results) -> Grid:
    """Return the table of all responses that some trial has."""
    single = len(results.trials) <= MOST
    known = [name for name in _names(results) if not single or name != "diverged"]  # its step tells
    columns = [_column(results, name) for name in known]
    columns = [column for column in columns if not np.isnan(column.values).all()]
    rows, counted = (_trials, "replicate") if single else (_combinations, "replicates")
    headings = (*grids.names(results.experiment, results.levels), counted)
    return Grid(
        name="All trials" if single else "All combinations of levels",
        header=(*headings, *(column.heading for column in columns)),
        rows=tuple(rows(results, columns)),
        note=_note(results, columns, single=single),
        is_long=True,
    )


def _note(results: Results, columns: list[Column], *, single: bool) -> str:
    last = results.last_step
    if not single:
        return (
            f"Of {len(results.trials):,} trials, mean and range over the replicates of each"
            f" combination of levels. What was not reached counts with the last step, {last}."
        )
    if any(column.unreached.any() for column in columns):
        return f"> {last}: not reached by the last step."
    return ""


def _names(results: Results) -> list[str]:
    """Return the names of the responses, the contrast's first."""
    known, first = results.experiment.all_responses(), results.experiment.contrast.response
    return list(dict.fromkeys([first, *known]))


def _column(results: Results, name: str) -> Column:
    response = results.experiment.all_responses()[name]
    values = np.where(results.present(), results.response(name), np.nan)
    return Column(response.words, response.scale, values, results.unreached(name))


def _trials(results: Results, columns: list[Column]) -> Iterator[tuple[Cell, ...]]:
    for at in np.argwhere(results.present()):
        levels, place = grids.levels(results.experiment, _levels(results, at)), tuple(at)
        replicate = Cell(f"{at[-1]}", int(at[-1]))
        yield (*levels, replicate, *(_cell(column, place) for column in columns))


def _cell(column: Column, place: tuple[int, ...]) -> Cell:
    value = float(column.values[place])
    if column.unreached[place]:
        return Cell(f"> {value:.0f}", inf)
    return grids.number(value, column.scale)


def _combinations(results: Results, columns: list[Column]) -> Iterator[tuple[Cell, ...]]:
    present = results.present()
    for at in np.argwhere(present.any(axis=-1)):
        levels, place = grids.levels(results.experiment, _levels(results, at)), tuple(at)
        n = int(present[place].sum())
        yield (*levels, Cell(f"{n}", n), *(_spread(column, place) for column in columns))


def _spread(column: Column, place: tuple[int, ...]) -> Cell:
    known = column.values[place][~np.isnan(column.values[place])]
    if not len(known):
        return grids.NOTHING
    ends = float(known.mean()), float(known.min()), float(known.max())
    mean, low, high = (grids.number(end, column.scale) for end in ends)
    return mean if low == high else Cell(f"{mean.text} ({low.text} to {high.text})", mean.value)


def _levels(results: Results, at: NDArray[np.int64]) -> Levels:
    return {n: values[i] for (n, values), i in zip(results.levels.items(), at, strict=False)}
