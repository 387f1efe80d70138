"""A panel a level of one factor, a curve over training a level of another.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from math import ceil, isfinite, nan, sqrt
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from normlab._typing import FloatArray
from normlab.figures import frame, published, selection, words
from normlab.figures.style import BAND, GREY, INK, STYLE, Look, Role, looks
from normlab.lab import Results
from normlab.lab.experiment import FigureSpec
from normlab.lab.factors import Level

PANEL = (2.75, 1.95)  # inches
MARGINS = (0.8, 0.25, 1.2, 0.62)  # left, right, top, bottom, in inches


class Divergence(NamedTuple):
    """Replicates that diverged at the same step."""

    x: float
    y: float  # mean of what was measured on arriving there, NaN if nothing was
    count: int


class Curve(NamedTuple):
    """One line of a panel: mean and range over the replicates that got so far."""

    name: str
    role: Role
    x: FloatArray  # (points,)
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    n_replicates: int
    divergences: tuple[Divergence, ...]
    published_x: FloatArray | None
    published: FloatArray | None

    @property
    def n_diverged(self) -> int:
        """How many of the replicates diverged."""
        return sum(divergence.count for divergence in self.divergences)


class Panel(NamedTuple):
    """The curves of one level."""

    level: Level
    title: str
    curves: tuple[Curve, ...]


class SmallMultiples(NamedTuple):
    """The numbers and the words of a figure of small multiples."""

    text: frame.Text
    scale: frame.Scale  # of the response
    panels: tuple[Panel, ...]

    @property
    def curves(self) -> list[Curve]:
        """The curves of all panels."""
        return [curve for panel in self.panels for curve in panel.curves]


def numbers(results: Results, spec: FigureSpec) -> SmallMultiples:
    """Return what the figure shows: a panel a level of ``spec.panels``.

    x is the epoch where no epoch was recorded twice, else the step. Factors that are neither
    panels nor lines are held at their first levels.
    """
    experiment = results.experiment
    factors = selection.axes(spec, spec.panels)
    titles = words.equations(experiment, factors[0])
    curves = _curves(results, spec.response, factors)
    levels = experiment.factors[factors[0]].values
    panels = tuple(Panel(*parts) for parts in zip(levels, titles, curves, strict=True))
    return SmallMultiples(
        text=_text(results, spec.response, factors, panels),
        scale=frame.y_scale(
            spec.response, [v for panel in panels for c in panel.curves for v in (c.low, c.high)]
        ),
        panels=panels,
    )
