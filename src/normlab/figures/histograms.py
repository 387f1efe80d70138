"""How the outputs of a layer are distributed, over training: a panel a level.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from normlab._typing import FloatArray
from normlab.figures import frame, probed, scales, sentences
from normlab.figures.color_bar import draw_bar
from normlab.figures.legend import Legend, mean_of
from normlab.figures.marks import HALO
from normlab.figures.selection import Part
from normlab.figures.style import INK, styled
from normlab.lab import Results
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.words import number

COLORS = "Blues"  # white where there is nothing, the darker the more
BOUNDED = ("Sigmoid", "Tanh")
"""Layers whose outputs all lie between the first and the last edge."""


MEDIAN: dict[str, Any] = {"color": INK, "linewidth": 1.8, "path_effects": HALO}
QUARTILE: dict[str, Any] = MEDIAN | {"linestyle": (0, (4, 2)), "linewidth": 1.2}


class Panel(NamedTuple):
    """The histograms of one level."""

    title: str
    step: FloatArray
    share: FloatArray  # (steps, bins), mean over the replicates that got so far
    quartiles: FloatArray  # (steps, 3), of the outputs as the histograms have them
    n_replicates: int
    note: str  # why there is nothing


class Histograms(NamedTuple):
    """The numbers and the words of a figure of histograms."""

    text: frame.Text
    edges: FloatArray  # of the bins
    panels: tuple[Panel, ...]

    @property
    def darkest(self) -> float:
        """The largest share between the end bins, which may hold much more."""
        inner = [panel.share[:, 1:-1].max(initial=0) for panel in self.panels]
        return float(max(inner, default=0)) or 1.0

    @property
    def has_more(self) -> bool:
        """Whether an end bin does."""
        return any(panel.share.max(initial=0) > self.darkest for panel in self.panels)


def numbers(results: Results, spec: FigureSpec) -> Histograms:
    """Return what the figure shows: the shares of one layer's outputs at each probed step."""
    layer = spec.layer or ""
    part = Part(results, spec, "panels")
    edges = [values[0] for _, _, _, values in probed.found(part, "histogram_edges", layer)]
    found: dict[tuple[int, ...], list[tuple[FloatArray, FloatArray]]] = {}
    for place, _, step, share in probed.found(part, "histogram", layer):
        found.setdefault(place, []).append((step, share))
    borders = edges[0] if edges else np.linspace(0, 1, 2)
    panels = []
    for i, title in enumerate(part.titles(0)):
        step, share = _mean(found.get((i,), []))
        note = "" if len(step) else probed.why_empty(part, (i,), layer)
        note = note or ("" if share.any() else "nothing finite")
        quartiles = np.array([_quartiles(row, borders) for row in share]).reshape(-1, 3)
        panels.append(Panel(title, step, share, quartiles, len(found.get((i,), [])), note))
    replicates = mean_of(panel.n_replicates for panel in panels)
    beyond = "" if layer.startswith(BOUNDED) else " The end bins hold what lies beyond."
    about = f"Distribution of the outputs of {layer}. Shares: {replicates}.{beyond}"
    text = frame.Text(results.experiment.title, f"{about}{part.held}", "step", f"output of {layer}")
    return Histograms(text, borders, tuple(panels))


def draw(numbers: Histograms) -> Figure:
    """Draw a map of shares in each panel, its quartiles as lines, and one bar of colors."""
    with styled():
        titles = [panel.title for panel in numbers.panels]
        norm, colors = PowerNorm(0.5, 0, numbers.darkest), mpl.colormaps[COLORS]
        sheet = frame.sheet(len(titles), right=1.3)
        figure, panels = frame.page(numbers.text, titles, _legend(), sheet)
        for axes, panel in zip(panels, numbers.panels, strict=True):
            _draw_panel(axes, panel, numbers.edges, norm, colors)
        panels[0].set_ylim(numbers.edges[0], numbers.edges[-1])
        scales.set_y(panels[0], "linear")
        scales.set_whole(panels[0], 5 if len(panels) > 1 else 10)
        bar = ScalarMappable(norm, colors)
        draw_bar(figure, panels, bar, "linear", "share in a bin", more=numbers.has_more)
    return figure


def alt(numbers: Histograms) -> str:
    """Return what the figure shows, in numbers."""
    said = []
    for panel in numbers.panels:
        ends = [] if panel.note else sorted({0, len(panel.step) - 1})
        text = ", ".join(_said(panel, i) for i in ends)
        said.append((panel.title, text or panel.note))
    low, high = number(numbers.edges[0]), number(numbers.edges[-1])
    about = f"distribution of the {numbers.text.y}, from {low} to {high}, during training"
    return sentences.joined(sentences.sentence(about), sentences.listed(said))


def _said(panel: Panel, i: int) -> str:
    """Return quartiles and end bins at one step."""
    low, middle, high = (number(value) for value in panel.quartiles[i])
    first, last = panel.share[i, [0, -1]]
    ends = f"{first:.0%} in the lowest bin, {last:.0%} in the highest"
    return f"at step {panel.step[i]:.0f} median {middle}, half between {low} and {high}, {ends}"


def _quartiles(share: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the quartiles of a histogram, even within a bin, at the end of the end bins."""
    total = np.concatenate([[0.0], np.cumsum(share)])
    if not total[-1] > 0:
        return np.full(3, np.nan)
    found: FloatArray = np.interp(total[-1] * np.array([0.25, 0.5, 0.75]), total, edges)
    found = np.where(found <= edges[1], edges[0], found)
    return np.where(found >= edges[-2], edges[-1], found) if len(edges) > 2 else found


def _mean(found: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Return all steps, and the mean of the shares that there are at each."""
    if not found:
        return np.zeros(0), np.zeros((0, 0))
    steps = np.unique(np.concatenate([step for step, _ in found]))
    total, n = np.zeros((len(steps), found[0][1].shape[1])), np.zeros((len(steps), 1))
    for step, share in found:
        at = np.searchsorted(steps, step)
        total[at] += np.nan_to_num(share)
        n[at] += 1
    return steps, total / n


def _draw_panel(
    axes: Axes, panel: Panel, edges: FloatArray, norm: Normalize, colors: Colormap
) -> None:
    if panel.note:
        frame.note(axes, panel.note)
        return
    axes.grid(visible=False)
    steps = np.maximum(scales.edges(panel.step), 0)
    axes.pcolormesh(steps, edges, panel.share.T, norm=norm, cmap=colors, rasterized=True)
    axes.set_xlim(steps[0], steps[-1])
    single = "o" if len(panel.step) == 1 else ""
    for line, look in zip(panel.quartiles.T, (QUARTILE, MEDIAN, QUARTILE), strict=True):
        axes.plot(panel.step, line, marker=single, clip_on=False, **look)


def _legend() -> Legend:
    return [(Line2D([], [], **MEDIAN), "median"), (Line2D([], [], **QUARTILE), "quartiles")]
