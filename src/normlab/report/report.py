"""Everything on the page of one experiment."""

from collections.abc import Iterator, Mapping
from math import nan
from pathlib import Path
from typing import NamedTuple

import numpy as np

from normlab._typing import FloatArray
from normlab.lab import Results, published, tables, words
from normlab.lab.outcomes import Failure
from normlab.report import grids, origin, published_tables, trials, verdicts
from normlab.report.grids import Cell, Grid
from normlab.report.origin import Origin
from normlab.report.pictures import Picture, pictures
from normlab.report.published_tables import TableView
from normlab.report.verdicts import Count, VerdictView


class FailureView(NamedTuple):
    """A trial that ended in an error."""

    trial: str
    cause: str


class PublishedView(NamedTuple):
    """Published final values beside ours."""

    n_inside: int
    grid: Grid


class ReportView(NamedTuple):
    """What the template lays out."""

    name: str
    title: str
    question: str
    sources: tuple[str, ...]
    is_quick: bool
    size: str  # how many trials there are
    counts: tuple[Count, ...]
    published_tables: tuple[TableView, ...]
    verdicts: tuple[VerdictView, ...]
    published: PublishedView | None
    pictures: tuple[Picture, ...]
    set_up: tuple[Grid, ...]
    results: tuple[Grid, ...]
    failures: tuple[FailureView, ...]
    seeds: str
    origin: Origin | None


def view(results: Results, folder: Path, drawn: Mapping[Path, bytes]) -> ReportView:
    """Return the page of the results, whose run is in ``folder``, with files already drawn."""
    experiment = results.experiment
    found = verdicts.views(results)
    return ReportView(
        name=experiment.name,
        title=experiment.title,
        question=experiment.question,
        sources=tuple(source.text for source in experiment.sources),
        is_quick=experiment.setting == "quick",
        size=_size(results),
        counts=verdicts.counts(found),
        published_tables=published_tables.views(results),
        verdicts=found,
        published=_published(results),
        pictures=pictures(results, {path.name: content for path, content in drawn.items()}),
        set_up=tuple(_set_up(results)),
        results=(_contrast(results), trials.grid(results)) if results.trials else (),
        failures=tuple(_failure(results, failure) for failure in results.failures),
        seeds=f"seed {experiment.seed}, replicates 0 to {experiment.replicates - 1}",
        origin=origin.read(folder),
    )


def _size(results: Results) -> str:
    """Return ``"160 trials: 32 combinations of levels, 5 replicates each"``."""
    experiment, n = results.experiment, len(results.trials)
    n_combinations = experiment.n_trials // experiment.replicates
    counted = f"{n}" if n == experiment.n_trials else f"{n} of {experiment.n_trials}"
    each = words.replicates([experiment.replicates])
    n_diverged = sum(trial.history.diverged_at_step is not None for trial in results.trials)
    diverged = f"; {n_diverged} diverged" if n_diverged else ""
    return f"{counted} trials: {n_combinations} combinations of levels, {each} each{diverged}"


def _published(results: Results) -> PublishedView | None:
    rows = published.compare(results)
    if not rows:
        return None
    experiment, known = results.experiment, results.experiment.all_responses()
    cells = []
    for row in rows:
        response = known[row.response]
        ours = (grids.number(v, response.scale) for v in (row.mean, row.low, row.high))
        where = Cell("inside" if row.inside else "outside")
        levels, theirs = grids.levels(experiment, row.levels), grids.number(row.published)
        cells.append((Cell(response.words), *levels, theirs, *ours, where))
    grid = Grid(
        name="Published final values",
        header=(
            *("final", *grids.names(experiment, experiment.factors)),
            *("published", "our mean", "lowest", "highest", "published is"),
        ),
        rows=tuple(cells),
        note="Where a trial of ours diverged, its outputs are not finite and count as wrong.",
    )
    return PublishedView(sum(row.inside for row in rows), grid)


def _set_up(results: Results) -> Iterator[Grid]:
    """Return what varies, and what is held fixed."""
    experiment = results.experiment
    varied = []
    for name, factor in experiment.factors.items():
        levels = ", ".join(words.texts(factor))
        texts = (words.axis(experiment, name), ", ".join(factor.fields), levels)
        varied.append(tuple(map(Cell, texts)))
    yield Grid("What varies", ("what varies", "field", "levels"), tuple(varied))
    fixed = [tuple(map(Cell, row)) for row in tables.set_up(experiment).rows]
    yield Grid("What is held fixed", ("what is held fixed", "value"), tuple(fixed))


def _contrast(results: Results) -> Grid:
    """Return the contrast at each combination of the other factors' levels."""
    experiment, table = results.experiment, results.table()
    scale = experiment.all_responses()[experiment.contrast.response].scale
    others = [name for name in experiment.factors if name != experiment.contrast.factor]
    rows = []
    for row, texts in zip(results.contrast(), table.rows, strict=True):
        *_, difference, interval, diverged = texts
        cells = (
            *grids.levels(experiment, row.levels),
            *(grids.number(_mean(values), scale) for values in (row.baseline, row.treatment)),
            grids.told(difference, row.difference.mean),
            grids.told(interval, row.difference.low),
            Cell(diverged),
        )
        rows.append(cells)
    header = (*grids.names(experiment, others), *table.header[len(others) :])
    note = f"{words.capitalized(table.caption)}."
    return grids.without_empty(Grid(table.title, header, tuple(rows), note))


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else nan


def _failure(results: Results, failure: Failure) -> FailureView:
    place = words.place(results.experiment, failure.levels)
    return FailureView(f"{place}, replicate {failure.replicate}", failure.cause)
