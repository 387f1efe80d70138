"""The figures of an experiment, as data: what each kind shows, and what it needs to be told."""

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from pydantic import Field

from normlab.lab.factors import Level
from normlab.lab.validation import Model

FigureKind: TypeAlias = Literal[
    "learning-curves",
    "small-multiples",
    "response-against-factor",
    "heat-map",
    "histograms",
    "percentile-bands",
    "gradient-norms",
]


class Needs(NamedTuple):
    """What a kind of figure is told."""

    factors: tuple[str, ...]  # fields that name a factor, and must
    optional: tuple[str, ...] = ()  # fields that name a factor, and may
    others: tuple[str, ...] = ()  # other fields that must be there
    may: tuple[str, ...] = ()  # other fields that may be there
    probe: str | None = None  # whose records are drawn


NEEDS: dict[str, Needs] = {
    "learning-curves": Needs(("lines",), others=("response",)),
    "small-multiples": Needs(("panels", "lines"), others=("response",)),
    "response-against-factor": Needs(("x", "lines"), ("panels",), others=("response",)),
    "heat-map": Needs(("x", "y"), ("panels",), others=("response",)),
    "histograms": Needs(("panels",), others=("layer",), probe="histograms"),
    "percentile-bands": Needs(("panels",), others=("layer",), may=("unit",), probe="units"),
    "gradient-norms": Needs(("lines",), ("panels",), may=("step",), probe="gradients"),
}

OF_A_QUANTITY = ("learning-curves", "small-multiples")
"""The kinds whose response is a recorded quantity, which has a curve over the steps."""

FACTOR_FIELDS = ("lines", "panels", "x", "y")


class FigureSpec(Model):
    """A figure of the results, and the name of its files without suffix.

    ``learning-curves``: a recorded quantity over training, a line a level of ``lines``.
    ``small-multiples``: the same, a panel a level of ``panels``.
    ``response-against-factor``: a response over the levels of ``x``, a line a level of ``lines``,
    and a panel a level of ``panels`` where that is given.
    ``heat-map``: a response over the levels of ``x`` and ``y``, a panel a level of ``panels``.
    ``histograms``: the outputs of ``layer`` over training, a panel a level of ``panels``.
    ``percentile-bands``: percentiles of the input of ``unit`` of ``layer`` over training, a panel
    a level of ``panels``.
    ``gradient-norms``: gradient norm by layer, a line a level of ``lines``, at the ``first`` or
    the ``last`` probed step; a panel a level of ``panels``.

    Factors that a figure does not name are held at their levels in ``at``, or at their first.
    """

    kind: FigureKind
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)
    response: str | None = None
    lines: str | None = None
    panels: str | None = None
    x: str | None = None
    y: str | None = None
    layer: str | None = None
    unit: int = Field(default=0, ge=0)
    step: Literal["first", "last"] = "first"
    at: dict[str, Level] = Field(default_factory=dict)

    @property
    def factors(self) -> tuple[str, ...]:
        """The factors that vary in the figure."""
        named = [getattr(self, field) for field in FACTOR_FIELDS]
        return tuple(name for name in named if name is not None)

    def broken_rules(self) -> Iterator[str]:
        """Yield what the kind needs and is not there, or the other way round."""
        needs = NEEDS[self.kind]
        needed = (*needs.factors, *needs.others)
        known = {"kind", "file", "at", *needed, *needs.optional, *needs.may}
        for name in needed:
            if getattr(self, name) is None:
                yield f"must have {name!r} where its kind is {self.kind!r}"
        for name in self.model_fields_set - known:
            if getattr(self, name) != type(self).model_fields[name].default:
                yield f"must have no {name!r} where its kind is {self.kind!r}"
        named = self.factors
        if len(set(named)) < len(named):
            yield f"must name different factors, got {', '.join(named)}"
        for name in named:
            if name in self.at:
                yield f"at.{name}: must not be a factor that varies in the figure"
