"""A response over the levels of one factor, a line a level of another.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Transform

from normlab._typing import FloatArray, IntArray
from normlab.figures import frame, scales, sentences
from normlab.figures.legend import Legend, legend, mean_of, range_of
from normlab.figures.marks import BOUND, CROSS, HALO, band, larger, published_marks, solid_marks
from normlab.figures.selection import Part, spread
from normlab.figures.style import INK, Look, Role, looks, styled
from normlab.lab import Results, published, words
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.responses import QUANTITIES

OF_DIVERGENCE = ("diverged", "diverged_at_step")
"""Responses that need no mark where trials diverged."""


class Line(NamedTuple):
    """One level of the lines: its responses at each level of x."""

    name: str
    role: Role
    mean: FloatArray  # (levels of x,), NaN where there is none
    low: FloatArray
    high: FloatArray
    n_replicates: IntArray
    n_diverged: IntArray
    n_unreached: IntArray  # replicates that count with the last step: the mean is but a bound
    published: FloatArray | None  # NaN where not published

    @property
    def n_marked(self) -> IntArray:
        """Replicates that diverged, or did not get there; never both."""
        return self.n_diverged + self.n_unreached


class Panel(NamedTuple):
    """The lines of one level."""

    title: str
    lines: tuple[Line, ...]


class ResponseAgainstFactor(NamedTuple):
    """The numbers and the words of a figure of responses."""

    text: frame.Text
    scale: scales.Scale  # of the response
    x: scales.Levels
    panels: tuple[Panel, ...]
    last_step: int

    @property
    def lines(self) -> list[Line]:
        """The lines of all panels."""
        return [line for panel in self.panels for line in panel.lines]


def numbers(results: Results, spec: FigureSpec) -> ResponseAgainstFactor:
    """Return what the figure shows: a response over the levels of ``spec.x``.

    What was recorded last of a trial that diverged was measured on arriving at that step.
    """
    name = spec.response or ""
    response = results.experiment.all_responses()[name]
    part = Part(results, spec, "panels", "lines", "x")
    lines = _lines(part, name)
    panels = tuple(Panel(*each) for each in zip(part.titles(0), lines, strict=True))
    shown = [line for panel in panels for line in panel.lines]
    return ResponseAgainstFactor(
        text=_text(part, spec, shown),
        scale=scales.y_scale(response.scale, [v for li in shown for v in (li.low, li.high)]),
        x=scales.levels(results.experiment, spec.x or ""),
        panels=panels,
        last_step=results.last_step,
    )


def draw(numbers: ResponseAgainstFactor) -> Figure:
    """Draw the panels, with one legend."""
    with styled():
        found = looks(line.role for line in numbers.panels[0].lines)
        titles = [panel.title for panel in numbers.panels]
        sheet = frame.sheet(len(titles))
        room = sheet.panel[0] / max(len(numbers.x.names), 2)
        names = scales.fit(numbers.x.names, room) if numbers.x.scale == "words" else None
        if names:
            left = max(sheet.left, names.reach - room / 2)
            sheet = sheet._replace(left=left, bottom=sheet.bottom + names.height - 0.15)
        figure, panels = frame.page(numbers.text, titles, _legend(numbers, found), sheet)
        for axes, panel in zip(panels, numbers.panels, strict=True):
            _draw_panel(axes, panel, numbers, found)
        if names:
            scales.set_names(panels[0], numbers.x.x, names)
            panels[0].set_xlim(-0.5, len(names.texts) - 0.5)
        else:
            scales.set_levels(panels[0], numbers.x, sheet.panel[0])
        scales.set_y(panels[0], numbers.scale)  # shared, as is x
    return figure


def alt(numbers: ResponseAgainstFactor) -> str:
    """Return what the figure shows, in numbers."""
    at = "" if numbers.x.scale == "words" else "at "
    names = [f"{at}{name}" for name in numbers.x.names]
    titles = [panel.title for panel in numbers.panels]
    if many := len(titles) > 1:
        names = [f"{title}, {name}" for title in titles for name in names]
    lines = list(zip(*(panel.lines for panel in numbers.panels), strict=True))
    lines_of = [line[0].name for line in lines]
    said = [sentences.span(np.concatenate([each.mean for each in line]), names) for line in lines]
    of = [[each.n_replicates for each in line] for line in lines]
    diverged = [[each.n_diverged for each in line] for line in lines]
    unreached = [[each.n_unreached for each in line] for line in lines]
    panels = f", a panel each for {sentences.levels(titles)}" if many else ""
    about = (
        f"{numbers.text.y} against {numbers.text.x}, {sentences.levels(numbers.x.names)}{panels}"
    )
    return sentences.joined(
        sentences.sentence(about),
        sentences.listed(zip(lines_of, said, strict=True)),
        sentences.counted("diverged", lines_of, diverged, of),
        sentences.counted("did not get there", lines_of, unreached, of),
    )


def _lines(part: Part, response: str) -> list[tuple[Line, ...]]:
    """Return the lines, a tuple a panel."""
    results = part.results
    values = part.take(results.response(response))
    unreached = part.take(results.unreached(response))
    diverged = part.take(~np.isnan(results.diverged_at())) & ~unreached
    if response in OF_DIVERGENCE:
        diverged = np.zeros_like(diverged)
    present = part.take(results.present())
    points = published.read(part.experiment, response)
    panels: list[list[Line]] = [[] for _ in range(part.shape[0])]
    for p, i in np.ndindex(part.shape[:2]):
        places = [part.levels_at((p, i, j)) for j in range(part.shape[2])]
        known = np.array([points[at].value[-1] if at in points else np.nan for at in places])
        line = Line(
            part.names(1)[i],
            part.roles(1)[i],
            *spread(values[p, i].T),
            n_replicates=present[p, i].sum(axis=-1),
            n_diverged=diverged[p, i].sum(axis=-1),
            n_unreached=unreached[p, i].sum(axis=-1),
            published=known if np.isfinite(known).any() else None,
        )
        panels[p].append(line)
    return [tuple(lines) for lines in panels]


def _text(part: Part, spec: FigureSpec, lines: Sequence[Line]) -> frame.Text:
    response = spec.response or ""
    what = part.experiment.all_responses()[response].words
    final = response in QUANTITIES and part.results.last_step
    steps = "step" if part.results.last_step == 1 else "steps"
    when = f" after {part.results.last_step} {steps}" if final else ""
    when += ", or where it diverged" if final and any(li.n_diverged.any() for li in lines) else ""
    points = mean_of(int(n) for line in lines for n in line.n_replicates)
    return frame.Text(
        title=part.experiment.title,
        subtitle=f"{sentences.sentence(what + when)} {part.meaning(0)}Points: {points}.{part.held}",
        x=words.axis(part.experiment, spec.x or ""),
        y=what,
    )


def _draw_panel(
    axes: Axes, panel: Panel, numbers: ResponseAgainstFactor, looks: list[Look]
) -> None:
    levels, rim, n = numbers.x, scales.rim(numbers.scale), len(looks)
    apart = 0.0 if levels.scale != "words" else min(0.16, 0.7 / n)
    for i, (line, look) in enumerate(zip(panel.lines, looks, strict=True)):
        x = levels.x + apart * (i - (n - 1) / 2)
        if levels.scale == "words":
            _draw_bars(axes, x, line, look)
        else:
            _draw_line(axes, x, line, look, n)
        later = [] if apart else panel.lines[i + 1 :]
        covered = sum((_covers(each, line) for each in later), 0 * x)
        _draw_points(axes, x, line, look)
        _draw_marks(axes, x, line, look, rim, covered)
        _count(axes, x, line, rim, look.color if n > 2 else INK)
    if not any(line.n_replicates.any() for line in panel.lines):
        frame.note(axes, "not run")
    elif not any(np.isfinite(li.mean).any() or li.n_marked.any() for li in panel.lines):
        frame.note(axes, "nothing measured")


def _draw_line(axes: Axes, x: FloatArray, line: Line, look: Look, n_lines: int) -> None:
    order = np.argsort(x)
    if line.n_replicates.max(initial=0) > 1:
        axes.fill_between(x[order], line.low[order], line.high[order], **band(look, n_lines))
    axes.plot(x[order], line.mean[order], color=look.color, linestyle=look.dashes)


def _draw_bars(axes: Axes, x: FloatArray, line: Line, look: Look) -> None:
    """Draw ranges alone: between levels that are words there is nothing."""
    if line.n_replicates.max(initial=0) > 1:
        axes.vlines(x, line.low, line.high, color=look.color, alpha=0.45, linewidth=5)


def _covers(later: Line, line: Line) -> FloatArray:
    """Return 1 where a mark of a later line stands where one of this line does, else 0."""
    same = np.isclose(later.mean, line.mean, equal_nan=True)
    return (same & (later.n_marked > 0) & (line.n_marked > 0)).astype(float)


def _draw_points(axes: Axes, x: FloatArray, line: Line, look: Look) -> None:
    if line.published is not None:
        marks = published_marks(look) | {"markersize": 5}
        axes.plot(x, line.published, linestyle="", zorder=2.1, **marks)
    usual, marks = line.n_marked == 0, solid_marks(look)
    style: dict[str, Any] = {"color": look.color, "linestyle": "", "clip_on": False, "zorder": 3}
    axes.plot(x[usual], line.mean[usual], **style, **marks)


def _draw_marks(
    axes: Axes, x: FloatArray, line: Line, look: Look, rim: float, covered: FloatArray
) -> None:
    """Draw bounds and crosses, at the rim where nothing was measured.

    Those that ``covered`` marks of later lines will stand on are drawn larger.
    """
    for j in np.flatnonzero(line.n_marked).tolist():
        mark = larger(BOUND if line.n_unreached[j] else CROSS, int(covered[j]))
        y = line.mean[j] if np.isfinite(line.mean[j]) else rim
        style: dict[str, Any] = {"color": look.color, "clip_on": False, "zorder": 3, **mark}
        axes.plot(x[j], y, transform=_frame_of(axes, line, j), **style)


def _frame_of(axes: Axes, line: Line, j: int) -> Transform:
    """Return the coordinates of a mark: those of the panel's height where nothing was measured."""
    return axes.transData if np.isfinite(line.mean[j]) else axes.get_xaxis_transform()


def _count(axes: Axes, x: FloatArray, line: Line, rim: float, color: str) -> None:
    """Say how many replicates a cross or a bound stands for, where not for all."""
    some = (line.n_marked > 0) & (line.n_marked < line.n_replicates)
    for j in np.flatnonzero(some).tolist():
        axes.annotate(
            f"{line.n_marked[j]}/{line.n_replicates[j]}",
            (x[j], line.mean[j] if np.isfinite(line.mean[j]) else rim),
            xycoords=_frame_of(axes, line, j),
            path_effects=HALO,
            xytext=(7, 6),
            textcoords="offset points",
            size=9,
            color=color,
        )


def _measured(numbers: ResponseAgainstFactor) -> list[tuple[int, Line]]:
    """Return the lines that are drawn in some panel, all where none is, and their places."""
    every = list(enumerate(numbers.panels[0].lines))
    drawn = [
        any(np.isfinite(p.lines[i].mean).any() or p.lines[i].n_marked.any() for p in numbers.panels)
        for i, _ in every
    ]
    return [pair for pair, there in zip(every, drawn, strict=True) if there or not any(drawn)]


def _legend(numbers: ResponseAgainstFactor, looks: list[Look]) -> Legend:
    lines, shown = numbers.lines, _measured(numbers)
    some = any((line.n_marked % np.maximum(line.n_replicates, 1)).any() for line in lines)
    how_many = " (how many, where not all)" if some else ""
    diverged = any(line.n_diverged.any() for line in lines)
    unreached = any(line.n_unreached.any() for line in lines)
    return legend(
        [(line.name, line.role, looks[i]) for i, line in shown],
        markers=True,
        joined=numbers.x.scale != "words",
        band_name=range_of(int(n) for line in lines for n in line.n_replicates),
        diverged=f"diverged{how_many}" if diverged else None,
        unreached=f"not reached by step {numbers.last_step}{how_many}" if unreached else None,
        published=any(line.published is not None for line in lines),
    )
