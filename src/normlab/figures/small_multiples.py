"""A recorded quantity over training: a panel a level of one factor, a curve a level of another."""

from normlab.figures import curves
from normlab.figures.curves import Curves, alt, draw
from normlab.lab import Results, words
from normlab.lab.figure_spec import FigureSpec

__all__ = ["alt", "draw", "numbers"]


def numbers(results: Results, spec: FigureSpec) -> Curves:
    """Return what the figure shows: a panel a level of ``spec.panels``."""
    factor = spec.panels or ""
    label, symbol = (
        words.label(results.experiment, factor),
        words.symbol(results.experiment, factor),
    )
    each = f"{symbol}, the {label}" if symbol != label else label
    return curves.numbers(results, spec, f"One panel for each {each}. ")
