"""Percentiles of the input of one unit over training: a panel a level.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from normlab._typing import FloatArray
from normlab.figures import frame, probed, scales, sentences
from normlab.figures.legend import Legend
from normlab.figures.marks import CROSS
from normlab.figures.selection import Part
from normlab.figures.style import BAND, GREY, INK, Look, Role, looks, styled
from normlab.lab import Results, words
from normlab.lab.figure_spec import FigureSpec
from normlab.training import History

REPLICATE = 0
"""The one that is shown: units of several replicates have nothing to do with each other."""

ENDINGS = {"1": "st", "2": "nd", "3": "rd"}


class Panel(NamedTuple):
    """The percentiles of one level."""

    title: str
    role: Role
    step: FloatArray
    values: FloatArray  # (steps, percentiles), NaN where not finite
    diverged_at: int | None
    note: str  # why there is nothing


class PercentileBands(NamedTuple):
    """The numbers and the words of a figure of percentiles."""

    text: frame.Text
    percentiles: tuple[float, ...]
    panels: tuple[Panel, ...]


def numbers(results: Results, spec: FigureSpec) -> PercentileBands:
    """Return what the figure shows: one unit of one layer, in one replicate."""
    layer, unit = spec.layer or "", spec.unit
    part = Part(results, spec, "panels")
    histories = {place: h for place, replicate, h in part.histories() if replicate == REPLICATE}
    q = results.experiment.training.probes.percentiles
    order = np.argsort(q)
    panels = []
    for i, title in enumerate(part.titles(0)):
        history = histories.get((i,))
        step, values = _of_unit(history, layer, unit, len(q))
        note = "" if np.isfinite(values).any() else f"no {layer}, unit {unit}, here"
        panel = Panel(
            title,
            part.roles(0)[i],
            step,
            values[:, order],
            history.diverged_at_step if history else None,
            note if history else "not run",
        )
        panels.append(panel)
    what = f"input of {layer}, unit {unit}"
    about = f"Percentiles of the {what}, over the batch, in replicate {REPLICATE} alone."
    text = frame.Text(results.experiment.title, f"{about}{part.held}", "step", what)
    return PercentileBands(text, tuple(sorted(q)), tuple(panels))


def draw(numbers: PercentileBands) -> Figure:
    """Draw the panels, with one legend."""
    with styled():
        found = looks(panel.role for panel in numbers.panels)
        titles = [panel.title for panel in numbers.panels]
        sheet, legend = frame.sheet(len(titles)), _legend(numbers)
        figure, panels = frame.page(numbers.text, titles, legend, sheet)
        for axes, panel, look in zip(panels, numbers.panels, found, strict=True):
            _draw_panel(axes, panel, look)
        scales.set_y(panels[0], "linear")
        scales.set_whole(panels[0], 5 if len(panels) > 1 else 10)
    return figure


def alt(numbers: PercentileBands) -> str:
    """Return what the figure shows, in numbers."""
    q, middle = numbers.percentiles, len(numbers.percentiles) // 2
    steps = np.concatenate([panel.step for panel in numbers.panels])
    over = f" over steps {steps.min():.0f} to {steps.max():.0f}" if len(steps) else ""
    said = []
    for panel in numbers.panels:
        if panel.note:
            said.append((panel.title, panel.note))
            continue
        text = f"{_name(q[middle])} {sentences.course(panel.values[:, middle])}"
        if middle:
            wide = panel.values[:, -1] - panel.values[:, 0]
            text += f", distance of {_pair(q[0], q[-1])} {sentences.course(wide)}"
        ended = f", diverged at step {panel.diverged_at}" if panel.diverged_at else ""
        said.append((panel.title, text + ended))
    return sentences.joined(
        sentences.sentence(f"{numbers.text.y}{over}, in replicate {REPLICATE} alone"),
        sentences.listed(said),
    )


def _of_unit(
    history: History | None, layer: str, unit: int, n_percentiles: int
) -> tuple[FloatArray, FloatArray]:
    """Return the probed steps and the percentiles, none where there are none."""
    values = probed.of_layer(history, "unit_percentiles", layer) if history else None
    if history is None or values is None or unit >= values.shape[1]:
        return np.zeros(0), np.zeros((0, n_percentiles))
    values = values[:, unit]
    return history.probed_steps.astype(float), np.where(np.isfinite(values), values, np.nan)


def _draw_panel(axes: Axes, panel: Panel, look: Look) -> None:
    if panel.note:
        frame.note(axes, panel.note)
        return
    n = panel.values.shape[1]
    marker = look.marker if len(panel.step) == 1 else ""
    for i in range(n // 2):
        low, high = panel.values[:, i], panel.values[:, n - 1 - i]
        axes.fill_between(panel.step, low, high, color=look.color, alpha=BAND, linewidth=0)
        for edge in (low, high):
            axes.plot(panel.step, edge, color=look.color, linewidth=1, marker=marker, zorder=2.1)
    if n % 2:
        middle = panel.values[:, n // 2]
        axes.plot(panel.step, middle, color=look.color, linewidth=2.4, marker=marker)
    if panel.diverged_at is not None:
        transform = axes.get_xaxis_transform()
        axes.plot(panel.diverged_at, 0.06, color=INK, linestyle="", transform=transform, **CROSS)


def _legend(numbers: PercentileBands) -> Legend:
    q = numbers.percentiles
    entries: Legend = []
    if len(q) % 2:
        entries.append((Line2D([], [], color=GREY, linewidth=2.4), _name(q[len(q) // 2])))
    for i in range(len(q) // 2):
        alpha = 1 - (1 - BAND) ** (i + 1)
        patch = Patch(facecolor=GREY, edgecolor=GREY, alpha=alpha + 0.1)
        entries.append((patch, _pair(q[i], q[-1 - i])))
    if any(panel.diverged_at is not None for panel in numbers.panels):
        entries.append((Line2D([], [], color=INK, linestyle="", **CROSS), "diverged"))
    return entries


def _name(q: float) -> str:
    return "median" if q == 50 else f"{_ordinal(q)} percentile"


def _pair(low: float, high: float) -> str:
    return f"{_ordinal(low)} to {_ordinal(high)} percentile"


def _ordinal(q: float) -> str:
    text = words.number(q)
    last = text[-1] if not text.endswith(("11", "12", "13")) and "." not in text else ""
    return f"{text}{ENDINGS.get(last, 'th')}"
