"""Published tables, each cell beside what was measured, as they are shown."""

from typing import NamedTuple

from normlab.lab import published_tables, tables, words
from normlab.lab.experiment import Experiment
from normlab.lab.published_tables import PublishedCell, PublishedTable
from normlab.lab.results import Results
from normlab.lab.verdicts import Answer
from normlab.report import verdicts


class CellView(NamedTuple):
    """A combination of levels; nothing may have been published of it."""

    measured: str
    interval: str
    published: str | None
    answer: Answer | None
    statement: str  # of the claim
    anchor: str  # where the claim is on this page


class RowView(NamedTuple):
    """Cells beside their heading."""

    heading: str
    cells: tuple[CellView, ...]


class TableView(NamedTuple):
    """A table as a source prints it; of cells that do not differ in two factors, a list."""

    name: str
    sources: tuple[str, ...]
    note: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[RowView, ...]


def views(results: Results) -> tuple[TableView, ...]:
    """Return the published table of each response."""
    return tuple(_view(results.experiment, table) for table in published_tables.compare(results))


def _view(experiment: Experiment, table: PublishedTable) -> TableView:
    name = words.capitalized(experiment.all_responses()[table.response].words)
    corner, columns = "levels", ["published and here"]
    headings = [words.place(experiment, cell.levels) for cell in table.cells]
    if len(table.factors) == 2:
        down, across = table.factors
        corner, columns = words.label(experiment, down), words.conditions(experiment, across)
        headings = words.ticks(experiment, down)
        name = ", ".join(filter(None, [name, words.place(experiment, table.shared)]))
    cells = [_cell(experiment, cell) for cell in table.cells]
    sources = [cell.verdict.claim.source for cell in table.cells if cell.verdict]
    replicates, n = words.replicates([experiment.replicates]), len(columns)
    return TableView(
        name=name,
        sources=tuple(dict.fromkeys(sources)),
        note=f"Here: the mean of {replicates} and its 95% interval. The claims are below.",
        corner=corner,
        columns=tuple(columns),
        rows=tuple(
            RowView(heading, tuple(cells[i * n : (i + 1) * n]))
            for i, heading in enumerate(headings)
        ),
    )


def _cell(experiment: Experiment, cell: PublishedCell) -> CellView:
    claim = cell.verdict and cell.verdict.claim
    return CellView(
        *tables.told_value(cell.measured),
        published=cell.published,
        answer=cell.answer,
        statement=claim.statement if claim else "",
        anchor=verdicts.anchor(experiment.claims.index(claim)) if claim else "",
    )
