"""Tables as sources print them, each cell beside what was measured there."""

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from normlab.lab.factors import Level, Levels, find_level, levels_at
from normlab.lab.intervals import Difference, mean_interval
from normlab.lab.verdicts import Answer, Verdict

if TYPE_CHECKING:
    from normlab.lab.results import Results

At: TypeAlias = tuple[int, ...]


class PublishedCell(NamedTuple):
    """A combination of levels: what was measured there, and what was published of it."""

    levels: Levels  # of every factor
    measured: Difference  # mean of the response over replicates
    verdict: Verdict | None  # on the claim that says what was published; None: nothing was

    @property
    def published(self) -> str | None:
        """What the source prints."""
        return self.verdict and self.verdict.claim.published

    @property
    def answer(self) -> Answer | None:
        """Whether the claim holds."""
        return self.verdict and self.verdict.answer


class PublishedTable(NamedTuple):
    """The published values of a response, beside ours.

    Where the published cells differ in two factors at most, all levels of these are there, in
    their order; otherwise the published cells alone, in the order of the claims.
    """

    response: str
    factors: tuple[str, ...]  # in whose levels the published cells differ
    cells: tuple[PublishedCell, ...]

    @property
    def shared(self) -> Levels:
        """The levels that all cells have."""
        levels = self.cells[0].levels
        return {name: level for name, level in levels.items() if name not in self.factors}


def compare(results: "Results") -> tuple[PublishedTable, ...]:
    """Return the table of each response that some claim says was published.

    A cell whose levels the experiment no longer has, as in its quick setting, is left out.
    """
    found: dict[str, list[Verdict]] = {}
    for verdict in results.verdicts():
        if verdict.claim.published is not None:
            found.setdefault(verdict.claim.response, []).append(verdict)
    tables = (_table(results, *item) for item in found.items())
    return tuple(table for table in tables if any(cell.verdict for cell in table.cells))


def _table(results: "Results", response: str, verdicts: list[Verdict]) -> PublishedTable:
    levels, values = results.levels, results.response(response)
    named = [verdict.claim.cell for verdict in verdicts]
    factors = tuple(name for name in levels if len({cell[name] for cell in named}) > 1)
    found = {at: v for v in verdicts if (at := _at(levels, v.claim.cell)) is not None}
    cells = []
    for at in _whole(levels, factors, found) if len(factors) <= 2 else found:
        measured = mean_interval(values[at])
        cells.append(PublishedCell(levels_at(levels, at), measured, found.get(at)))
    return PublishedTable(response, factors, tuple(cells))


def _at(levels: dict[str, tuple[Level, ...]], cell: Levels) -> At | None:
    """Return where a cell stands among the levels, None where it does not."""
    places = [find_level(values, cell[name]) for name, values in levels.items()]
    known = tuple(place for place in places if place is not None)
    return known if len(known) == len(places) else None


def _whole(
    levels: dict[str, tuple[Level, ...]], factors: tuple[str, ...], published: Iterable[At]
) -> Iterable[At]:
    """Return all levels of some factors, at those of the others that were published."""
    axes = [
        range(len(values)) if name in factors else sorted({at[i] for at in published})
        for i, (name, values) in enumerate(levels.items())
    ]
    return product(*axes)
