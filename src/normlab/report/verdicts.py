"""Claims and their verdicts, as they are shown."""

from collections.abc import Iterator
from typing import NamedTuple

from normlab.lab import descriptions, tables
from normlab.lab.claims import Claim
from normlab.lab.experiment import Experiment
from normlab.lab.results import Results
from normlab.lab.verdicts import MIN_PAIRS, Answer, Place, Verdict
from normlab.report import grids, strips
from normlab.report.grids import Cell
from normlab.report.strips import Line, Strip

EFFECT = {"difference": "Difference", "ratio": "Ratio", "value": "Value"}


class Count(NamedTuple):
    """How many claims have an answer."""

    answer: Answer
    n: int


class PlaceView(NamedTuple):
    """A claim at one combination of levels."""

    levels: tuple[Cell, ...]
    effect: Cell
    interval: Cell
    n_pairs: int
    answer: Answer
    strip: Strip | None


class VerdictView(NamedTuple):
    """A claim, what is compared, and what came out."""

    anchor: str
    statement: str
    about: str
    source: str
    answer: Answer
    compared: str
    rule: str
    published: str  # nothing where the source prints no table
    kind: str  # of the effect
    effect: str
    interval: str
    n_pairs: int
    holds_at: str  # nothing where there is but one combination
    strip: Strip | None
    notes: tuple[str, ...]
    factors: tuple[str, ...]  # headings of the levels in ``places``
    places: tuple[PlaceView, ...]


def views(results: Results) -> tuple[VerdictView, ...]:
    """Return the verdict on each claim of an experiment."""
    verdicts = results.verdicts()
    return tuple(_view(results, verdict, i) for i, verdict in enumerate(verdicts))


def anchor(i: int) -> str:
    """Return the address on the page of the claim of this number, counted from 0."""
    return f"claim-{i + 1}"


def counts(verdicts: tuple[VerdictView, ...]) -> tuple[Count, ...]:
    """Return how many claims have each answer, of those that some have."""
    answers = [verdict.answer for verdict in verdicts]
    found: tuple[Answer, ...] = ("supported", "contradicted", "undecided")
    return tuple(Count(answer, answers.count(answer)) for answer in found if answer in answers)


def _view(results: Results, verdict: Verdict, i: int) -> VerdictView:
    experiment, claim, places = results.experiment, verdict.claim, verdict.places
    effects = [place.effect for place in places]
    line = strips.line(claim, [verdict.effect, *effects])
    held = [place.answer == "supported" for place in places]
    strip = line.of_one(verdict.effect, holds=True)
    effect, interval = tables.told(claim, verdict.effect)
    several = len(places) > 1
    if several:
        strip = line.of_all(effects, held)
    return VerdictView(
        anchor=anchor(i),
        statement=claim.statement,
        about=claim.about,
        source=claim.source,
        answer=verdict.answer,
        compared=descriptions.compared(experiment, claim),
        rule=descriptions.rule(claim),
        published=claim.published or "",
        kind=("Mean " + EFFECT[claim.compare].lower()) if several else EFFECT[claim.compare],
        effect=effect,
        interval=interval,
        n_pairs=verdict.effect.n_pairs,
        holds_at=_holds_at(verdict) if several else "",
        strip=strip and strip._replace(ticks=line.ticks()),
        notes=tuple(_notes(results, verdict)),
        factors=grids.names(experiment, places[0].levels) if places else (),
        places=tuple(_place(experiment, claim, place, line) for place in places),
    )


def _place(experiment: Experiment, claim: Claim, place: Place, line: Line) -> PlaceView:
    effect, interval = tables.told(claim, place.effect)
    return PlaceView(
        levels=grids.levels(experiment, place.levels),
        effect=grids.told(effect, place.effect.mean),
        interval=grids.told(interval, place.effect.low),
        n_pairs=place.effect.n_pairs,
        answer=place.answer,
        strip=line.of_one(place.effect, holds=True),
    )


def _holds_at(verdict: Verdict) -> str:
    all_needed = verdict.n_needed == len(verdict.places)
    return tables.where(verdict) + (" (all needed)" if all_needed else "")


def _notes(results: Results, verdict: Verdict) -> Iterator[str]:
    n, last = verdict.n_unreached, results.last_step
    if n:
        did, count = ("trial", "counts") if n == 1 else ("trials", "count")
        yield f"{n} {did} did not get there and {count} with the last step, {last}."
    if verdict.n_nan:
        yield "Undecided where trials are there but give no number, as after divergence."
    if verdict.effect.n_pairs < MIN_PAIRS:
        yield f"Fewer than {MIN_PAIRS} replicates leave every claim undecided."
