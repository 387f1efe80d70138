"""A response over the levels of two factors: a number and a color in each cell.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from math import ceil
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.transforms import ScaledTranslation

from normlab._typing import FloatArray, IntArray
from normlab.figures import frame, scales, sentences
from normlab.figures.color_bar import draw_bar
from normlab.figures.legend import Legend, mean_of
from normlab.figures.marks import CROSS, HATCH
from normlab.figures.measure import widest
from normlab.figures.response_against_factor import OF_DIVERGENCE
from normlab.figures.selection import Part, spread
from normlab.figures.style import GREY, MAP, styled
from normlab.lab import Results, words
from normlab.lab.factors import Factor
from normlab.lab.figure_spec import FigureSpec

CELL, LARGEST = (0.5, 0.42), (1.9, 0.9)  # smallest and largest, in inches
HEIGHT = 4.2  # inches for the cells of a column of panels, where they are no larger or smaller
NUMBER = 9.5  # points


AT_LEAST = "\N{GREATER-THAN OR EQUAL TO} "


class Panel(NamedTuple):
    """The cells of one level: ``(levels of y, levels of x)``, NaN where there is none."""

    title: str
    mean: FloatArray
    n_replicates: IntArray
    n_diverged: IntArray
    n_unreached: IntArray


class HeatMap(NamedTuple):
    """The numbers and the words of a map."""

    text: frame.Text
    scale: scales.Scale  # of the colors
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]  # from below
    panels: tuple[Panel, ...]
    response: str

    @property
    def values(self) -> FloatArray:
        """All means that are numbers."""
        every: FloatArray = np.concatenate([panel.mean.ravel() for panel in self.panels])
        return every[np.isfinite(every)]


def numbers(results: Results, spec: FigureSpec) -> HeatMap:
    """Return what the figure shows: the mean over replicates at each pair of levels.

    Numbers grow to the right and upwards; words stand in their order, from the left and from
    above.
    """
    name = spec.response or ""
    experiment = results.experiment
    part, response = Part(results, spec, "panels", "y", "x"), experiment.all_responses()[name]
    x, y = experiment.factors[spec.x or ""], experiment.factors[spec.y or ""]
    along_x, along_y = _order(x), _order(y, upwards=True)
    values, unreached = part.take(results.response(name)), part.take(results.unreached(name))
    diverged = part.take(~np.isnan(results.diverged_at())) & (name not in OF_DIVERGENCE)
    counts = (part.take(results.present()), diverged & ~unreached, unreached)
    mean = spread(np.moveaxis(values, -1, 0)).mean
    cells = (mean, *(count.sum(axis=-1) for count in counts))
    panels = tuple(
        Panel(title, *(array[i][np.ix_(along_y, along_x)] for array in cells))
        for i, title in enumerate(part.titles(0))
    )
    replicates = mean_of(int(n) for panel in panels for n in panel.n_replicates.ravel())
    bounds = f" {AT_LEAST.strip()}: some did not get there." if unreached.any() else ""
    found = HeatMap(
        frame.Text(
            experiment.title,
            f"{sentences.sentence(response.words)} Cells: {replicates}.{bounds}{part.held}",
            words.axis(experiment, spec.x or ""),
            words.axis(experiment, spec.y or ""),
        ),
        "linear",
        tuple(words.ticks(experiment, spec.x or "")[i] for i in along_x),
        tuple(words.ticks(experiment, spec.y or "")[i] for i in along_y),
        panels,
        response.words,
    )
    return found._replace(scale=scales.y_scale(response.scale, [found.values]))


def draw(numbers: HeatMap) -> Figure:
    """Draw the panels, with one bar of colors."""
    with styled():
        sheet, names = _sheet(numbers)
        titles = [panel.title for panel in numbers.panels]
        figure, panels = frame.page(numbers.text, titles, _legend(numbers), sheet)
        colors = ScalarMappable(_norm(numbers), mpl.colormaps[MAP])
        for axes, panel in zip(panels, numbers.panels, strict=True):
            _draw_panel(axes, panel, colors, numbers)
        axes = panels[0]
        scales.set_names(axes, np.arange(len(names.texts), dtype=float), names)
        axes.set_yticks(range(len(numbers.y_names)), labels=numbers.y_names)
        axes.set(xlim=(-0.5, len(names.texts) - 0.5), ylim=(-0.5, len(numbers.y_names) - 0.5))
        draw_bar(figure, panels, colors, numbers.scale, numbers.response)
    return figure


def alt(numbers: HeatMap) -> str:
    """Return what the figure shows, in numbers."""
    titles = [panel.title for panel in numbers.panels]
    over = [
        f"{label} ({sentences.levels(names)})"
        for label, names in (
            (numbers.text.x, numbers.x_names),
            (numbers.text.y, numbers.y_names),
        )
    ]
    names = [f"at {x} and {y}" for y in numbers.y_names for x in numbers.x_names]
    said = [(p.title, sentences.span(p.mean.ravel(), names)) for p in numbers.panels]
    of = [p.n_replicates for p in numbers.panels]
    diverged, unreached = zip(*((p.n_diverged, p.n_unreached) for p in numbers.panels), strict=True)
    many = f", a panel each for {sentences.levels(titles)}" if len(titles) > 1 else ""
    return sentences.joined(
        sentences.sentence(f"{numbers.response} over {' and '.join(over)}{many}"),
        sentences.listed(said),
        sentences.counted("diverged", titles, diverged, of),
        sentences.counted("did not get there", titles, unreached, of),
    )


def _order(factor: Factor, *, upwards: bool = False) -> list[int]:
    """Return the order of the levels along an axis: of numbers by size, of words as they are."""
    values = factor.values
    if any(isinstance(value, str | bool) for value in values):
        return list(range(len(values)))[:: -1 if upwards else 1]
    return sorted(range(len(values)), key=lambda i: float(values[i]))


def _sheet(numbers: HeatMap) -> tuple[frame.Sheet, scales.Names]:
    """Return the layout, and the names along x."""
    n_x, n_y, n = len(numbers.x_names), len(numbers.y_names), len(numbers.panels)
    left = 0.55 + min(widest(list(numbers.y_names), scales.TICK), 2.5)
    usual = frame.Sheet(1, (1.0, 1.0), left=left, right=1.3)
    room = frame.WIDTH - left - usual.right + usual.gap
    longest = max(CELL[0], widest([_number(v, numbers) for v in numbers.values], NUMBER) + 0.12)
    n_columns = max(1, min(frame.columns(n), int(room / (n_x * longest + usual.gap))))
    x_size = min(max(longest, (room / n_columns - usual.gap) / n_x), LARGEST[0])
    y_size = min(max(CELL[1], HEIGHT / ceil(n / n_columns) / n_y), LARGEST[1])
    names = scales.fit(numbers.x_names, x_size)
    left = max(left, names.reach - x_size / 2)
    panel, bottom = (n_x * x_size, n_y * y_size), 0.47 + names.height
    return usual._replace(n_columns=n_columns, panel=panel, left=left, bottom=bottom), names


def _norm(numbers: HeatMap) -> Normalize:
    values = numbers.values
    if numbers.scale == "share" or not len(values):
        return Normalize(0, 1)
    low, high = values.min(), values.max()
    if numbers.scale == "log":
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + 1)


def _number(value: float, numbers: HeatMap) -> str:
    return f"{value:.2f}" if numbers.scale == "share" else words.number(value)


def _draw_panel(axes: Axes, panel: Panel, colors: ScalarMappable, numbers: HeatMap) -> None:
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for (i, j), value in np.ndenumerate(panel.mean):
        known, corner = bool(np.isfinite(value)), (j - 0.5, i - 0.5)
        rgba: Any = colors.to_rgba(np.asarray(value)) if known else (1.0, 1.0, 1.0, 1.0)
        look = {"facecolor": rgba} if known else HATCH
        axes.add_patch(Rectangle(corner, 1, 1, **look))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="white", linewidth=1.5))
        ink = "white" if np.dot(rgba[:3], (0.3, 0.59, 0.11)) < 0.5 else "black"
        if known:
            text = f"{AT_LEAST if panel.n_unreached[i, j] else ''}{_number(float(value), numbers)}"
            axes.text(j, i, text, ha="center", va="center", color=ink, size=NUMBER)
        if panel.n_diverged[i, j]:
            _draw_cross(axes, (j + 0.5, i + 0.5) if known else (j, i), ink, inwards=known)


def _draw_cross(axes: Axes, place: tuple[float, float], ink: str, *, inwards: bool) -> None:
    """Draw a small cross in the upper right corner of a cell, or in the middle of an empty one."""
    inch = -0.075 if inwards else 0.0
    shift = ScaledTranslation(inch, inch, axes.figure.dpi_scale_trans)
    small = CROSS | {"markersize": 5, "markeredgewidth": 1.4, "color": ink}
    axes.plot(*place, linestyle="", transform=axes.transData + shift, **small)


def _legend(numbers: HeatMap) -> Legend:
    """Return the marks that there are; numbers need none."""
    entries: Legend = []
    if any(panel.n_diverged.any() for panel in numbers.panels):
        small: Any = CROSS | {"color": GREY, "linestyle": "", "markersize": 6}
        entries.append((Line2D([], [], **small), "diverged, some replicates or all"))
    if any(not np.isfinite(panel.mean).all() for panel in numbers.panels):
        entries.append((Patch(**HATCH), "no number"))
    return entries
