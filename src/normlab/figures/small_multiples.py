"""A recorded quantity over training: a panel a level of one factor, a curve a level of another."""

from normlab.figures import curves
from normlab.figures.curves import Curves, alt, draw
from normlab.figures.selection import each
from normlab.lab import Results
from normlab.lab.figure_spec import FigureSpec

__all__ = ["alt", "draw", "numbers"]


def numbers(results: Results, spec: FigureSpec) -> Curves:
    """Return what the figure shows: a panel a level of ``spec.panels``."""
    return curves.numbers(results, spec, each(results.experiment, spec.panels or ""))
