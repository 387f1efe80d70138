"""A panel a level of one factor, a curve over training a level of another.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from math import ceil, isfinite, sqrt
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Transform

from normlab._typing import FloatArray
from normlab.figures import frame, selection, words
from normlab.figures.style import BAND, GREY, INK, STYLE, Look, Role, looks
from normlab.lab import Results, published
from normlab.lab.experiment import FigureSpec
from normlab.lab.factors import Level

PANEL = (2.75, 1.95)  # inches
MARGINS = (0.8, 0.25, 0.3, 0.62)  # left, right, above the panels, bottom, in inches


class Divergence(NamedTuple):
    """Replicates that diverged at the same step."""

    x: float
    y: float  # mean of what was measured on arriving there, NaN if nothing was
    n_replicates: int


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
        return sum(divergence.n_replicates for divergence in self.divergences)


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


def draw(numbers: SmallMultiples) -> Figure:
    """Draw the panels in a grid that is as square as can be, with one legend."""
    n_rows, n_columns = _grid(len(numbers.panels))
    left, right, above, bottom = MARGINS
    width = max(left + right + n_columns * PANEL[0], 9.0)
    with mpl.rc_context(STYLE):
        found = looks(curve.role for curve in numbers.panels[0].curves)
        legend = _legend(numbers, found)
        top = frame.head(legend, width - left) + above
        height = top + bottom + n_rows * PANEL[1]
        figure = Figure(figsize=(width, height))
        grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        figure.subplots_adjust(
            left / width, bottom / height, 1 - right / width, 1 - top / height, 0.1, 0.27
        )
        for i, axes in enumerate(grid.flat):
            if i >= len(numbers.panels):
                axes.remove()
                continue
            _draw_panel(axes, numbers.panels[i], found)
            axes.tick_params(
                which="both", length=0, labelbottom=i + n_columns >= len(numbers.panels)
            )
        frame.set_y(grid[0, 0], numbers.scale)  # shared, as is x
        grid[0, 0].xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        for axes, panel in zip(grid.flat, numbers.panels, strict=False):
            _tell_divergence(axes, panel, found)
        frame.put_words(figure, numbers.text, legend, left=left)
        figure.supxlabel(numbers.text.x, x=0.5 + (left - right) / width / 2, y=0.12 / height)
        figure.supylabel(numbers.text.y, y=0.5 + (bottom - top) / height / 2, x=0.12 / width)
    return figure


def _curves(results: Results, response: str, factors: tuple[str, str]) -> list[tuple[Curve, ...]]:
    """Return the curves, a tuple a panel."""
    experiment = results.experiment
    axis = _Axis(results)
    values = selection.take(results, results.curves(response), factors)
    final = selection.take(results, results.final(response), factors)
    ends = selection.take(results, axis.ends(results), factors)
    present = selection.take(results, selection.presence(results), factors).sum(axis=-1)
    names = words.level_names(experiment, factors[1])
    roles = selection.roles(experiment, factors[1])
    points = published.read(experiment, response)
    panels = []
    for p in range(len(values)):
        curves = []
        for i, name in enumerate(names):
            spread = selection.spread(values[p, i])
            there = np.isfinite(spread.mean)
            known = points.get(selection.levels_at(experiment, factors, (p, i)))
            curve = Curve(
                name=name,
                role=roles[i],
                x=axis.x[there],
                mean=spread.mean[there],
                low=spread.low[there],
                high=spread.high[there],
                n_replicates=int(present[p, i]),
                divergences=_divergences(ends[p, i], final[p, i]),
                published_x=getattr(known, axis.name, None),
                published=None if known is None else known.value,
            )
            curves.append(curve)
        panels.append(tuple(curves))
    return panels


class _Axis:
    """What x is: the epoch where no epoch was recorded twice, else the step."""

    def __init__(self, results: Results) -> None:
        epochs = results.epochs
        self.name = "epoch" if len(np.unique(epochs)) == len(epochs) else "step"
        self.x = (epochs if self.name == "epoch" else results.steps).astype(float)

    def ends(self, results: Results) -> FloatArray:
        """Return where each trial diverged, between recorded epochs too; NaN where none."""
        steps, epochs = results.diverged_at("step"), results.diverged_at("epoch")
        if self.name == "step" or not len(results.steps):
            return steps if self.name == "step" else epochs
        return np.fmax(epochs, np.interp(steps, results.steps, results.epochs))


def _divergences(ends: FloatArray, final: FloatArray) -> tuple[Divergence, ...]:
    found = []
    for x in np.unique(ends[~np.isnan(ends)]):
        here = ends == x
        y = float(selection.spread(final[here]).mean)
        found.append(Divergence(float(x), y, int(here.sum())))
    return tuple(found)


def _text(
    results: Results, response: str, factors: tuple[str, str], panels: tuple[Panel, ...]
) -> frame.Text:
    experiment = results.experiment
    counts = [curve.n_replicates for panel in panels for curve in panel.curves]
    label, symbol = words.label(experiment, factors[0]), words.symbol(experiment, factors[0])
    each = f"{symbol}, the {label}" if symbol != label else label
    return frame.Text(
        title=experiment.title,
        subtitle=f"One panel for each {each}. Lines: {frame.mean_of(counts)}."
        + selection.held(experiment, factors),
        x=_Axis(results).name,
        y=words.RESPONSES[response],
    )


def _grid(n: int) -> tuple[int, int]:
    """Return rows and columns for ``n`` panels, no more rows than columns."""
    n_columns = ceil(sqrt(n))
    return ceil(n / n_columns), n_columns


def _draw_panel(axes: Axes, panel: Panel, looks: list[Look]) -> None:
    axes.set_title(panel.title)
    for curve, look in zip(panel.curves, looks, strict=True):
        if curve.n_replicates > 1:
            axes.fill_between(
                curve.x, curve.low, curve.high, color=look.color, alpha=BAND, linewidth=0
            )
    for curve, look in zip(panel.curves, looks, strict=True):
        if curve.published_x is not None and curve.published is not None:
            marks = frame.published_marks(look)
            axes.plot(curve.published_x, curve.published, linestyle="", zorder=2.1, **marks)
        if len(curve.x):
            single = "." if len(curve.x) == 1 else ""
            axes.plot(curve.x, curve.mean, color=look.color, ls=look.dashes, marker=single)
        _mark_divergence(axes, curve, look)
    if not any(curve.n_replicates for curve in panel.curves):
        axes.text(0.5, 0.5, "not run", transform=axes.transAxes, ha="center", color=GREY)


def _mark_divergence(axes: Axes, curve: Curve, look: Look) -> None:
    """Mark each divergence with a cross, near the bottom where nothing was measured."""
    for x, y, _ in curve.divergences:
        place, transform = _place(axes, x, y)
        cross = {"color": look.color, "linestyle": "", "clip_on": False, **frame.CROSS}
        axes.plot(*place, transform=transform, zorder=3, **cross)


def _tell_divergence(axes: Axes, panel: Panel, looks: list[Look]) -> None:
    """Say beside the last cross how many replicates diverged.

    Left of it in the right part of the panel; of several curves, above them in their colors.
    """
    start, end = axes.get_xlim()
    diverging = [pair for pair in zip(panel.curves, looks, strict=True) if pair[0].divergences]
    for row, (curve, look) in enumerate(diverging, start=len(diverging) > 1):
        x, y, _ = curve.divergences[-1]
        place, transform = _place(axes, x, y)
        late = x > start + 0.6 * (end - start)
        axes.annotate(
            f"{curve.n_diverged}/{curve.n_replicates} diverged",
            place,
            xycoords=transform,
            xytext=(-8 if late else 8, 12 * row),
            textcoords="offset points",
            ha="right" if late else "left",
            va="center",
            color=look.color if len(diverging) > 1 else INK,
            size=9,
        )


def _place(axes: Axes, x: float, y: float) -> tuple[tuple[float, float], Transform]:
    """Return a point and its coordinate system."""
    if isfinite(y):
        return (x, y), axes.transData
    return (x, 0.06), axes.get_xaxis_transform()


def _legend(numbers: SmallMultiples, looks: list[Look]) -> frame.Legend:
    curves, first = numbers.curves, numbers.panels[0].curves
    return frame.legend(
        [(curve.name, curve.role, look) for curve, look in zip(first, looks, strict=True)],
        markers=False,
        band=frame.band_name(curve.n_replicates for curve in curves),
        diverged="diverged" if any(curve.divergences for curve in curves) else None,
        published=any(curve.published is not None for curve in curves),
    )
