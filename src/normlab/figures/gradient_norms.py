"""How large the gradients are, layer by layer: a line a level.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normlab._typing import FloatArray
from normlab.figures import frame, scales, sentences
from normlab.figures.legend import Legend, legend, mean_of, range_of
from normlab.figures.marks import ZERO, band, solid_marks
from normlab.figures.selection import Part
from normlab.figures.style import GREY, Look, Role, looks, styled
from normlab.lab import Results
from normlab.lab.figure_spec import FigureSpec
from normlab.training import History

CLASS = "Dense"
"""The layers that are shown: with normalization and without, there are as many."""


class Line(NamedTuple):
    """One level of the lines: norms at each layer, those of its dense layers, the first first."""

    name: str
    role: Role
    median: FloatArray  # (layers,) over replicates, NaN where there is none
    low: FloatArray
    high: FloatArray
    n_replicates: int


class Panel(NamedTuple):
    """The lines of one level."""

    title: str
    lines: tuple[Line, ...]


class GradientNorms(NamedTuple):
    """The numbers and the words of a figure of gradient norms."""

    text: frame.Text
    panels: tuple[Panel, ...]
    step: str  # "step 1"

    @property
    def lines(self) -> list[Line]:
        """The lines of all panels."""
        return [line for panel in self.panels for line in panel.lines]


def numbers(results: Results, spec: FigureSpec) -> GradientNorms:
    """Return what the figure shows: norms at the ``first`` or the ``last`` probed step.

    Of a trial that diverged, the last is the last one before that.
    """
    part = Part(results, spec, "panels", "lines")
    norms: dict[tuple[int, ...], list[FloatArray]] = {p: [] for p in np.ndindex(part.shape)}
    steps = set()
    for place, _, history in part.histories():
        if len(found := _norms(history, spec.step)):
            norms[place].append(found)
            steps.add(int(history.probed_steps[0 if spec.step == "first" else -1]))
    panels = tuple(
        Panel(title, tuple(_line(part, i, norms[p, i]) for i in range(part.shape[1])))
        for p, title in enumerate(part.titles(0))
    )
    when = _when(sorted(steps)) or f"the {spec.step} step"
    counts = [line.n_replicates for panel in panels for line in panel.lines]
    about = f"Gradient of the loss by each dense layer's output, at {when}."
    lines = f"Lines: {mean_of(counts, 'median')}."
    text = frame.Text(
        results.experiment.title,
        f"{about} {part.meaning(0)}{lines}{part.held}",
        "dense layer, from the input on",
        "gradient norm",
    )
    return GradientNorms(text, panels, when)


def draw(numbers: GradientNorms) -> Figure:
    """Draw the panels, with one legend."""
    with styled():
        found = looks(line.role for line in numbers.panels[0].lines)
        titles = [panel.title for panel in numbers.panels]
        legend = _legend(numbers, found)
        figure, panels = frame.page(numbers.text, titles, legend, frame.sheet(len(titles)))
        for axes, panel in zip(panels, numbers.panels, strict=True):
            _draw_panel(axes, panel, found)
        if any((line.high > 0).any() for line in numbers.lines):
            scales.set_y(panels[0], "log")
        else:
            panels[0].set_yticks([])
        n_layers = max(1, *(len(line.median) for line in numbers.lines))
        panels[0].set_xlim(0.5, n_layers + 0.5)
        scales.set_whole(panels[0], 5 if len(panels) > 1 else 10)
    return figure


def alt(numbers: GradientNorms) -> str:
    """Return what the figure shows, in numbers."""
    titles = [panel.title for panel in numbers.panels]
    lines = list(zip(*(panel.lines for panel in numbers.panels), strict=True))
    said = [(line[0].name, sentences.course(line[0].median)) for line in lines]
    if many := len(titles) > 1:
        said = []
        for line in lines:
            first = sentences.span([_end(each, 0) for each in line], titles)
            last = sentences.span([_end(each, -1) for each in line], titles)
            said.append((line[0].name, f"at the first layer {first}, at the last {last}"))
    n_layers = max(len(line.median) for line in numbers.lines)
    panels = f", a panel each for {sentences.levels(titles)}" if many else ""
    about = f"{numbers.text.y} over {n_layers} dense layers from the input on, at {numbers.step}"
    return sentences.joined(sentences.sentence(about + panels), sentences.listed(said))


def _end(line: Line, i: int) -> float:
    return float(line.median[i]) if len(line.median) else np.nan


def _when(steps: list[int]) -> str:
    """Return ``"step 1"``, ``"step 1 or 201"``, ``"steps 1 to 201"``, nothing for no step."""
    if len(steps) > 2:
        return f"steps {steps[0]} to {steps[-1]}"
    return f"step {' or '.join(map(str, steps))}" if steps else ""


def _norms(history: History, step: str) -> FloatArray:
    """Return the norms at one step, none where nothing was probed."""
    series = history.probes.get("gradient_norm")
    if series is None or not len(series):
        return np.zeros(0)
    dense = [str(label).startswith(f"{CLASS} ") for label in series.labels[0]]
    values = series.values[0 if step == "first" else -1, dense]
    return np.where(np.isfinite(values), values, np.nan)


def _line(part: Part, i: int, norms: list[FloatArray]) -> Line:
    name, role = part.names(1)[i], part.roles(1)[i]
    n_layers = max(map(len, norms), default=0)
    rows = np.full((len(norms), n_layers), np.nan)
    for row, found in zip(rows, norms, strict=True):
        row[: len(found)] = found
    known = np.isfinite(rows).any(axis=0)
    low, median, high = np.full((3, n_layers), np.nan)
    if known.any():
        low[known], median[known], high[known] = np.nanpercentile(
            rows[:, known], (0, 50, 100), axis=0
        )
    return Line(name, role, median, low, high, len(norms))


def _draw_panel(axes: Axes, panel: Panel, looks: list[Look]) -> None:
    if not any(np.isfinite(line.median).any() for line in panel.lines):
        probed = any(line.n_replicates for line in panel.lines)
        frame.note(axes, "nothing finite" if probed else "nothing probed")
    for line, look in zip(panel.lines, looks, strict=True):
        layer = np.arange(1, len(line.median) + 1)
        on, zero = line.median > 0, line.median == 0
        style = {"color": look.color, "linestyle": look.dashes, **solid_marks(look)}
        if line.n_replicates > 1:
            shown = line.low > 0
            axes.fill_between(layer, line.low, line.high, where=shown, **band(look, len(looks)))
        axes.plot(layer, np.where(on, line.median, np.nan), **style)
        axes.plot(
            layer[zero],
            np.full(zero.sum(), 0.03),
            color=look.color,
            transform=axes.get_xaxis_transform(),
            **ZERO,
        )


def _legend(numbers: GradientNorms, looks: list[Look]) -> Legend:
    first = numbers.panels[0].lines
    entries = legend(
        [(line.name, line.role, look) for line, look in zip(first, looks, strict=True)],
        markers=True,
        band_name=range_of(line.n_replicates for line in numbers.lines),
    )
    if any((line.median == 0).any() for line in numbers.lines):
        entries.append((Line2D([], [], color=GREY, **ZERO), "zero"))
    return entries
