"""Curves over training: what learning curves and small multiples share."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Transform

from normlab._typing import FloatArray
from normlab.figures import frame, scales, sentences
from normlab.figures.legend import Legend, legend, mean_of, range_of
from normlab.figures.marks import CROSS, HALO, band, published_marks
from normlab.figures.selection import Part, spread
from normlab.figures.style import INK, Look, Role, looks, styled
from normlab.lab import Results, published
from normlab.lab.figure_spec import FigureSpec

MANY = 6
"""More lines than that are drawn without bands and published points, which nobody could tell."""


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

    title: str
    curves: tuple[Curve, ...]


class Curves(NamedTuple):
    """The numbers and the words of a figure of curves."""

    text: frame.Text
    scale: scales.Scale  # of the response
    panels: tuple[Panel, ...]

    @property
    def curves(self) -> list[Curve]:
        """The curves of all panels."""
        return [curve for panel in self.panels for curve in panel.curves]


def numbers(results: Results, spec: FigureSpec, about: str = "") -> Curves:
    """Return the curves of a recorded quantity; ``about`` goes into the subtitle.

    x is the epoch where no epoch was recorded twice, else the step.
    """
    name = spec.response or ""
    response = results.experiment.all_responses()[name]
    part, axis = Part(results, spec, "panels", "lines"), _Axis(results)
    curves = _curves(part, axis, name)
    panels = tuple(Panel(*each) for each in zip(part.titles(0), curves, strict=True))
    shown = [curve for panel in panels for curve in panel.curves]
    lines = mean_of(curve.n_replicates for curve in shown)
    what = sentences.sentence(f"{response.words} over training")
    return Curves(
        frame.Text(
            results.experiment.title,
            f"{what} {about}Lines: {lines}.{part.held}",
            axis.name,
            response.words,
        ),
        scales.y_scale(response.scale, [v for curve in shown for v in (curve.low, curve.high)]),
        panels,
    )


def draw(numbers: Curves) -> Figure:
    """Draw the panels, with one legend."""
    with styled():
        found = looks(curve.role for curve in numbers.panels[0].curves)
        titles = [panel.title for panel in numbers.panels]
        sheet = frame.sheet(len(titles))
        figure, panels = frame.page(numbers.text, titles, _legend(numbers, found), sheet)
        for axes, panel in zip(panels, numbers.panels, strict=True):
            _draw_panel(axes, panel, found, scales.rim(numbers.scale))
        scales.set_y(panels[0], numbers.scale)  # shared, as is x
        scales.set_whole(panels[0], 5 if len(panels) > 1 else 10)
        for axes, panel in zip(panels, numbers.panels, strict=True):
            _tell_divergence(axes, panel, found, scales.rim(numbers.scale))
    return figure


def alt(numbers: Curves) -> str:
    """Return what the figure shows, in numbers."""
    x = np.concatenate([curve.x for curve in numbers.curves])
    over = f" over {numbers.text.x}s {x.min():.0f} to {x.max():.0f}" if len(x) else ""
    lines = list(zip(*(panel.curves for panel in numbers.panels), strict=True))
    titles = [panel.title for panel in numbers.panels]
    many = len(titles) > 1
    panels = f", a panel each for {sentences.levels(titles)}" if many else ""
    ends = [[_end(curve, x.max(initial=0)) for curve in line] for line in lines]
    names = [line[0].name for line in lines]
    said = [sentences.course(line[0].mean) for line in lines]
    about = list(zip(names, said, strict=True))
    if many:
        ranges = [f"at the end {sentences.span(end, titles)}" for end in ends]
        about = list(zip(names, ranges, strict=True))
    elif len(names) > MANY:
        at_the_end = sentences.span([end[0] for end in ends], names)
        about = [(sentences.levels(names), f"at the end {at_the_end}")]
    diverged = [sum(curve.n_diverged for curve in line) for line in lines]
    of = [sum(curve.n_replicates for curve in line) for line in lines]
    return sentences.joined(
        sentences.sentence(f"{numbers.text.y}{over}{panels}"),
        sentences.listed(about),
        sentences.counted("diverged", names, diverged, of),
    )


def _end(curve: Curve, x: float) -> float:
    """Return the mean at the end of training, NaN where no replicate got there."""
    return float(curve.mean[-1]) if len(curve.x) and curve.x[-1] == x else np.nan


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
        between = np.interp(steps, results.steps, results.epochs)
        return np.where(np.isnan(steps), np.nan, np.fmax(epochs, between))


def _curves(part: Part, axis: _Axis, response: str) -> list[tuple[Curve, ...]]:
    """Return the curves, a tuple a panel."""
    results = part.results
    values = part.take(results.curves(response))
    final, ends = part.take(results.response(response)), part.take(axis.ends(results))
    present = part.take(results.present()).sum(axis=-1)
    points = published.read(part.experiment, response)
    panels: list[list[Curve]] = [[] for _ in range(part.shape[0])]
    for p, i in np.ndindex(part.shape):
        found = spread(values[p, i])
        there = np.isfinite(found.mean)
        known = points.get(part.levels_at((p, i)))
        curve = Curve(
            name=part.names(1)[i],
            role=part.roles(1)[i],
            x=axis.x[there],
            mean=found.mean[there],
            low=found.low[there],
            high=found.high[there],
            n_replicates=int(present[p, i]),
            divergences=_divergences(ends[p, i], final[p, i]),
            published_x=getattr(known, axis.name, None),
            published=None if known is None else known.value,
        )
        panels[p].append(curve)
    return [tuple(curves) for curves in panels]


def _divergences(ends: FloatArray, final: FloatArray) -> tuple[Divergence, ...]:
    found = []
    for x in np.unique(ends[~np.isnan(ends)]):
        here = ends == x
        y = float(spread(final[here]).mean)
        found.append(Divergence(float(x), y, int(here.sum())))
    return tuple(found)


def _draw_panel(axes: Axes, panel: Panel, looks: list[Look], rim: float) -> None:
    few = len(looks) <= MANY
    for curve, look in zip(panel.curves, looks, strict=True):
        if few and curve.n_replicates > 1:
            axes.fill_between(curve.x, curve.low, curve.high, **band(look, len(looks)))
    for curve, look in zip(panel.curves, looks, strict=True):
        if few and curve.published_x is not None and curve.published is not None:
            marks = published_marks(look)
            axes.plot(curve.published_x, curve.published, linestyle="", zorder=2.1, **marks)
        if len(curve.x):
            single = look.marker if len(curve.x) == 1 else ""
            axes.plot(curve.x, curve.mean, color=look.color, ls=look.dashes, marker=single)
        _mark_divergence(axes, curve, look, rim)
    if not any(curve.n_replicates for curve in panel.curves):
        frame.note(axes, "not run")
    elif not any(len(curve.x) or curve.divergences for curve in panel.curves):
        frame.note(axes, "nothing measured")


def _mark_divergence(axes: Axes, curve: Curve, look: Look, rim: float) -> None:
    """Mark each divergence with a cross, at the rim where nothing was measured."""
    for x, y, _ in curve.divergences:
        place, transform = _place(axes, x, y, rim)
        cross = {"color": look.color, "linestyle": "", "clip_on": False, **CROSS}
        axes.plot(*place, transform=transform, zorder=3, **cross)


def _tell_divergence(axes: Axes, panel: Panel, looks: list[Look], rim: float) -> None:
    """Say beside the last cross how many replicates diverged.

    Left of it in the right part of the panel; of several curves, towards the middle, in their
    colors.
    """
    start, end = axes.get_xlim()
    diverging = [pair for pair in zip(panel.curves, looks, strict=True) if pair[0].divergences]
    upwards = 1 if rim < 0.5 else -1
    for row, (curve, look) in enumerate(diverging, start=len(diverging) > 1):
        x, y, _ = curve.divergences[-1]
        place, transform = _place(axes, x, y, rim)
        late = x > start + 0.6 * (end - start)
        axes.annotate(
            f"{curve.n_diverged}/{curve.n_replicates} diverged",
            place,
            xycoords=transform,
            xytext=(-8 if late else 8, 12 * row * upwards),
            textcoords="offset points",
            ha="right" if late else "left",
            va="center",
            color=look.color if len(diverging) > 1 else INK,
            size=9,
            path_effects=HALO,
        )


def _place(axes: Axes, x: float, y: float, rim: float) -> tuple[tuple[float, float], Transform]:
    """Return a point and its coordinate system."""
    if isfinite(y):
        return (x, y), axes.transData
    return (x, rim), axes.get_xaxis_transform()


def _legend(numbers: Curves, looks: Sequence[Look]) -> Legend:
    curves, first, few = numbers.curves, numbers.panels[0].curves, len(looks) <= MANY
    return legend(
        [(curve.name, curve.role, look) for curve, look in zip(first, looks, strict=True)],
        markers=False,
        band_name=range_of(curve.n_replicates for curve in curves) if few else None,
        diverged="diverged" if any(curve.divergences for curve in curves) else None,
        published=few and any(curve.published is not None for curve in curves),
    )
