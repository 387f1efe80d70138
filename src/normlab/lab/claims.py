"""Claims: statements with a source, and what the responses must show for them to hold."""

from collections.abc import Iterator
from math import exp, inf, log
from typing import Literal, NamedTuple

from pydantic import Field, FiniteFloat

from normlab.lab.factors import Level, Levels
from normlab.lab.validation import Model


class Contrast(Model):
    """Two levels of a factor whose difference, treatment minus baseline, is the answer."""

    factor: str
    baseline: Level
    treatment: Level
    response: str


class Bounds(NamedTuple):
    """Where the compared number must lie for the claim to hold; a ratio's on a log scale."""

    low: float
    high: float


class Over(Model):
    """How a response is first reduced over the levels of a factor, in each replicate by itself.

    ``range``, ``mean``, ``min``, ``max`` of the response over the levels; ``largest``: the largest
    level (of a factor whose levels are numbers) at which the response is at least ``value``, the
    smallest level where none is.
    """

    factor: str
    reduce: Literal["range", "mean", "min", "max", "largest"]
    value: FiniteFloat | None = None

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with the value."""
        if (self.reduce == "largest") != (self.value is not None):
            yield "must have a value exactly where reduce is 'largest'"


class Claim(Model):
    """A statement about one response, to be supported, contradicted or left undecided.

    In each replicate, and at each combination of the levels that ``where`` admits (all, of the
    factors that it does not name), two levels of a factor are compared, treatment against
    baseline (``factor``, ``baseline``, ``treatment``; default: those of the experiment's
    contrast)::

        compare = "difference"    treatment - baseline
        compare = "ratio"         treatment / baseline, averaged on a logarithmic scale
        compare = "value"         the response itself, at the levels of ``where``

    The claim holds at a combination where the 95% interval of that number over the replicates
    lies beyond the margin in the claimed direction::

        direction = "larger"      difference > margin (default 0), ratio > margin (default 1)
        direction = "smaller"     difference < -margin,             ratio < 1 / margin
        direction = "equal"       |number - value| <= tolerance; of a difference, value is 0
        with compare = "value"    larger or smaller than ``value``

    and is contradicted there where the interval lies wholly on the other side. ``at_least`` says
    at how many combinations it must hold (default: at all). A difference may have a negative
    margin: no worse than by so much.

    Undecided is a combination of fewer than three replicates, and one where trials are there whose
    number is not a number. A response that counts with the last step, for want of coming, is a
    bound: it decides only what holds for every later step too.

    ``published`` is what the source prints in its table, word for word (``"96%"``,
    ``"does not converge"``): shown beside what was measured, it judges nothing. Such a claim is of
    one cell: it compares a value, and ``where`` names one level of each factor.
    """

    statement: str
    about: str
    source: str
    response: str
    factor: str | None = None
    baseline: Level | None = None
    treatment: Level | None = None
    over: Over | None = None
    where: dict[str, Level | tuple[Level, ...]] = Field(default_factory=dict)
    compare: Literal["difference", "ratio", "value"] = "difference"
    direction: Literal["larger", "smaller", "equal"]
    margin: FiniteFloat | None = None
    value: FiniteFloat | None = None
    tolerance: FiniteFloat | None = Field(None, gt=0)
    at_least: int | None = Field(None, ge=1)
    published: str | None = Field(None, min_length=1)

    def pair(self, contrast: Contrast) -> tuple[str, Level, Level]:
        """Return the factor that is compared, baseline and treatment; default: the contrast's."""
        if self.factor is None or self.baseline is None or self.treatment is None:
            return contrast.factor, contrast.baseline, contrast.treatment
        return self.factor, self.baseline, self.treatment

    @property
    def cell(self) -> Levels:
        """The combination of levels that ``where`` is, without those of which it names several."""
        return {n: level for n, level in self.where.items() if not isinstance(level, tuple)}

    @property
    def bounds(self) -> Bounds:
        """Where the number must lie."""
        if self.direction == "equal":
            value, tolerance = self.value or 0.0, self.tolerance or 0.0
            return Bounds(value - tolerance, value + tolerance)
        edge = self.value or 0.0 if self.compare == "value" else self._margin
        if self.compare == "difference" and self.direction == "smaller":
            edge = -edge
        if self.compare == "ratio":
            edge = log(edge) if self.direction == "larger" else -log(edge)
        return Bounds(edge, inf) if self.direction == "larger" else Bounds(-inf, edge)

    def told(self, bound: float) -> float:
        """Return a bound as effects are told: of a ratio, not its logarithm."""
        return exp(bound) if self.compare == "ratio" else bound

    @property
    def _margin(self) -> float:
        if self.margin is not None:
            return self.margin
        return 1.0 if self.compare == "ratio" else 0.0

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with levels and numbers."""
        yield from self._wrong_levels()
        yield from self._wrong_numbers()
        if self.published is not None:
            yield from self._no_cell()

    def _wrong_levels(self) -> Iterator[str]:
        given = [name is not None for name in (self.factor, self.baseline, self.treatment)]
        if any(given) and not all(given):
            yield "must have factor, baseline and treatment together, or none of them"
        for name, levels in self.where.items():
            if isinstance(levels, tuple) and (not levels or len({*levels}) < len(levels)):
                yield f"where.{name}: must list levels that differ, one at least, got {[*levels]}"
        if self.compare == "value" and any(given):
            yield "must have no baseline and treatment where compare is 'value'"
        if self.baseline is not None and self.baseline == self.treatment:
            yield f"must have a treatment other than the baseline, got {self.treatment!r}"

    def _wrong_numbers(self) -> Iterator[str]:
        is_value, is_equal = self.compare == "value", self.direction == "equal"
        if is_equal != (self.tolerance is not None):
            yield "must have a tolerance exactly where direction is 'equal'"
        if is_value != (self.value is not None):
            yield "must have a value exactly where compare is 'value'"
        if self.margin is not None and (is_value or is_equal):
            yield "must have a margin only for a difference or a ratio that is larger or smaller"
        if self.compare == "ratio" and is_equal:
            yield "must have direction 'larger' or 'smaller' where compare is 'ratio'"
        if self.compare == "ratio" and self.margin is not None and self.margin < 1:
            yield f"must have a margin of at least 1 where compare is 'ratio', got {self.margin}"

    def _no_cell(self) -> Iterator[str]:
        if self.compare != "value" or self.over is not None:
            yield "must have compare 'value' and no over where it has published"
        for name in (name for name in self.where if name not in self.cell):
            yield f"where.{name}: must be one level, not a list, where the claim has published"
