"""Axes and their ticks: shares, numbers, numbers over decades, steps, levels."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from normlab._typing import FloatArray
from normlab.figures.measure import n_lines, widest, width, wrap
from normlab.lab import words
from normlab.lab.experiment import Experiment

Scale: TypeAlias = Literal["share", "linear", "log"]
"""Of an axis: a share between 0 and 1; any numbers; positive numbers over decades."""

DECADES = 100.0  # a range that wants a log axis,
SQUEEZED, FEW = 0.1, 0.2  # unless fewer than a fifth lie in the lowest tenth of a linear one
DECADES_OF_FLOATS = -307, 308
MARGIN = 0.04  # of an axis of levels, at each end
NEAR = 0.5  # smallest beside largest number, where a linear axis begins at 0
TALL = 2.5  # inches of a panel with room for more ticks
TICK = 9  # points
APART = 0.08  # inches between tick labels
PLAIN = FuncFormatter(lambda value, _: words.number(float(value), 4))


class Levels(NamedTuple):
    """The levels of a factor along x."""

    x: FloatArray  # their places: their order where they are words
    scale: Literal["log", "linear", "words"]
    names: tuple[str, ...]


class Names(NamedTuple):
    """Tick labels that are words, and the room that they need below the axes, in inches."""

    texts: list[str]
    rotation: float
    height: float
    reach: float  # to the left of the first tick


def levels(experiment: Experiment, name: str) -> Levels:
    """Return where the levels of a factor stand, and on which scale."""
    factor, names = experiment.factors[name], tuple(words.ticks(experiment, name))
    values = factor.values
    if any(isinstance(value, str | bool) for value in values):
        return Levels(np.arange(len(values), dtype=float), "words", names)
    x = np.array(values, dtype=float)
    return Levels(x, "log" if factor.is_geometric else "linear", names)


def y_scale(of_response: str, values: Sequence[FloatArray]) -> Scale:
    """Return the scale for these values of a response, a ``"share"`` or a ``"number"``."""
    if of_response == "share":
        return "share"
    drawn = np.concatenate([np.ravel(v) for v in values]) if values else np.zeros(0)
    drawn = drawn[np.isfinite(drawn)]
    spans = drawn.size > 0 and drawn.min() > 0 and drawn.max() / drawn.min() >= DECADES
    return "log" if spans and np.mean(drawn < SQUEEZED * drawn.max()) >= FEW else "linear"


def rim(scale: Scale) -> float:
    """Return how high in a panel it stands that nothing finite was measured, as a share.

    That is no accuracy, and no small loss.
    """
    return 0.04 if scale == "share" else 0.96


def set_y(axes: Axes, scale: Scale) -> None:
    """Give y its scale, once everything is drawn."""
    if scale == "share":
        axes.set_ylim(-0.06, 1.04)  # lines and crosses at 0 and 1 are drawn whole
        _set_shares(axes)
        return
    if scale == "log":
        axes.set_yscale("log")
    elif 0 < axes.get_ylim()[0] < NEAR * axes.get_ylim()[1]:
        axes.set_ylim(bottom=0)  # how large one is beside another can be seen
    set_numbers(axes, scale)


def _set_shares(axes: Axes) -> None:
    """Give y ticks for shares: every fifth where there is room, else the half."""
    figure = axes.get_figure(root=True)
    height = axes.get_position().height * (figure.get_figheight() if figure else 0.0)
    if height >= TALL:
        axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1], labels=["0", "0.2", "0.4", "0.6", "0.8", "1"])
    else:
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "", "0.5", "", "1"])


def set_numbers(axes: Axes, scale: Scale) -> None:
    """Give y ticks for numbers, on the scale that it has."""
    if scale == "log":
        decades = np.ptp(np.log10(axes.get_ylim()))
        subs = (1,) if decades > 3 else (1, 3) if decades > 1.5 else (1, 2, 5)
        axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PLAIN)


def set_whole(axes: Axes, n: int = 5) -> None:
    """Give x, which counts, up to ``n`` ticks at whole numbers."""
    low, high = axes.get_xlim()
    if high - low < 1:  # one place, or none
        axes.set_xlim((low + high) / 2 - 0.5, (low + high) / 2 + 0.5)
    whole = MaxNLocator(n, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
    axes.xaxis.set_major_locator(whole)
    axes.xaxis.set_major_formatter(PLAIN)


def set_levels(axes: Axes, levels: Levels, room: float) -> None:
    """Give x ticks at the levels, labels where they do not touch; ``room`` is the axis' length.

    Words are for ``set_names``.
    """
    places = levels.x
    if levels.scale == "log":
        places = np.log10(levels.x)
        margin = MARGIN * np.ptp(places)  # Matplotlib's own may end beyond the largest float
        ends = np.clip([places.min() - margin, places.max() + margin], *DECADES_OF_FLOATS)
        axes.set_xlim(10.0**ends)
        axes.set_xscale("log")
    axes.margins(x=MARGIN)
    inches = (places - places.min()) / (np.ptp(places) or 1.0) * room * 0.92
    order = np.argsort(inches)
    shown: list[int] = []
    end = -np.inf
    for i in order.tolist():
        half = width(levels.names[i], TICK) / 2
        if inches[i] - half >= end + APART:
            shown.append(i)
            end = inches[i] + half
    axes.set_xticks(levels.x[shown], labels=[levels.names[i] for i in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def fit(names: Sequence[str], room: float) -> Names:
    """Return names as tick labels in ``room`` inches each: wrapped, or slanted where too long."""
    texts = [wrap(name, room - APART, TICK) for name in names]
    if widest(texts, TICK) <= room - APART / 2 and n_lines(texts) <= 3:
        return Names(texts, 0.0, 0.15 * n_lines(texts), 0.0)
    texts = [wrap(name, 2.0, TICK) for name in names]
    long = widest(texts, TICK)
    return Names(texts, 35.0, 0.12 + 0.6 * long, 0.12 + 0.82 * long)


def set_names(axes: Axes, places: FloatArray, names: Names) -> None:
    """Give x words as tick labels."""
    axes.set_xticks(places, labels=names.texts)
    axes.xaxis.set_minor_locator(NullLocator())
    for label in axes.get_xticklabels():
        slanted = {"rotation": names.rotation, "ha": "right", "rotation_mode": "anchor"}
        label.set(**(slanted if names.rotation else {}))


def edges(places: FloatArray) -> FloatArray:
    """Return the borders of cells around places: midway between them, as far out at the ends."""
    if len(places) < 2:
        return np.array([*(places - 0.5), *(places + 0.5)])
    middles = [(a + b) / 2 for a, b in pairwise(places)]
    first, last = 2 * places[0] - middles[0], 2 * places[-1] - middles[-1]
    return np.array([first, *middles, last])
