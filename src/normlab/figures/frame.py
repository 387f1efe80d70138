"""What both figures share: title, legend, the axis of the response, bands, divergence."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from normlab._typing import FloatArray
from normlab.figures import words
from normlab.figures.style import BAND, FAINT, GREY, Look, Role

Scale: TypeAlias = Literal["share", "linear", "log"]
"""Of an axis: a share between 0 and 1; any numbers; positive numbers over decades."""

Legend: TypeAlias = list[tuple[Any, str]]
"""What is drawn, and its name."""

DECADES = 100.0  # a range that wants a log axis
WORDS, ROW, LETTER = 0.75, 0.23, 0.08  # inches: title and subtitle, a row, a letter of the legend


class Text(NamedTuple):
    """The words of a figure."""

    title: str
    subtitle: str
    x: str
    y: str


def y_scale(response: str, values: Sequence[FloatArray]) -> Scale:
    """Return the scale for these values of a response."""
    if response.endswith("accuracy"):
        return "share"
    drawn = np.concatenate([np.ravel(v) for v in values]) if values else np.zeros(0)
    drawn = drawn[np.isfinite(drawn)]
    spans = drawn.size > 0 and drawn.min() > 0 and drawn.max() / drawn.min() >= DECADES
    return "log" if spans else "linear"


def set_y(axes: Axes, scale: Scale) -> None:
    """Give the axis of the response its scale."""
    if scale == "share":
        axes.set_ylim(-0.06, 1.04)  # lines and crosses at 0 and 1 are drawn whole
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "", "0.5", "", "1"])
    elif scale == "log":
        axes.set_yscale("log")


def put_words(figure: Figure, text: Text, legend: Legend, *, left: float) -> None:
    """Write title, subtitle and one legend for the whole figure, from ``left`` (inches) on."""
    width, height = figure.get_size_inches()
    x = left / width
    figure.text(x, 1 - 0.14 / height, text.title, size=15, weight="bold", va="top")
    figure.text(x, 1 - 0.47 / height, text.subtitle, size=10, color=GREY, va="top")
    figure.legend(
        [handle for handle, _ in legend],
        [name for _, name in legend],
        loc="upper left",
        bbox_to_anchor=(x, 1 - WORDS / height),
        ncols=ceil(len(legend) / legend_rows(legend, width - left)),
        borderaxespad=0,
        borderpad=0,
        columnspacing=1.6,
        handletextpad=0.6,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.4)},
    )


def head(legend: Legend, width: float) -> float:
    """Return the height of title, subtitle and legend, in inches."""
    return WORDS + ROW * legend_rows(legend, width)


def legend_rows(legend: Legend, width: float) -> int:
    """Return how many rows the legend needs in ``width`` inches."""
    letters = sum(len(name) + 9 for _, name in legend)
    return ceil(letters * LETTER / width) or 1


def legend(
    lines: Sequence[tuple[str, Role, Look]],
    *,
    markers: bool,
    band: str | None,
    diverged: str | None,
    published: bool,
) -> Legend:
    """Return the entries of the legend: the lines, the treatment first, then what else is drawn."""
    ordered = sorted(lines, key=lambda line: line[1] != "treatment")
    entries: Legend = [(_line(look, markers=markers), name) for name, _, look in ordered]
    sample = [look for _, _, look in ordered[:3]]
    if band:
        patches = tuple(Patch(facecolor=look.color, alpha=BAND) for look in sample)
        entries.append((patches, band))
    if diverged:
        entries.append((Line2D([], [], color=GREY, linestyle="", **CROSS), diverged))
    if published:
        dots = tuple(Line2D([], [], linestyle="", **published_marks(look)) for look in sample)
        entries.append((dots, "published single run"))
    return entries


def band_name(n_replicates: Iterable[int]) -> str | None:
    """Return what a band is, None where no line has several replicates."""
    counts = [n for n in n_replicates if n]
    return f"range of {words.replicates(counts)}" if max(counts, default=0) > 1 else None


def mean_of(n_replicates: Iterable[int]) -> str:
    """Return what a line or a point is."""
    counts = [n for n in n_replicates if n]
    return ("mean of " if max(counts, default=0) > 1 else "") + words.replicates(counts)


CROSS: dict[str, Any] = {"marker": "x", "markersize": 7, "markeredgewidth": 2.2}


def _line(look: Look, *, markers: bool) -> Line2D:
    """Return a line as the legend shows it."""
    marks = solid_marks(look) if markers else {}
    return Line2D([], [], color=look.color, linestyle=look.dashes, **marks)


def solid_marks(look: Look) -> dict[str, Any]:
    """Return the markers of a line's own points."""
    face = look.color if look.filled else "white"
    return {"marker": look.marker, "markersize": 6, "markerfacecolor": face}


def published_marks(look: Look) -> dict[str, Any]:
    """Return the small, light markers of published points."""
    return {
        "marker": look.marker,
        "markersize": 3.2,
        "markerfacecolor": look.color if look.filled else "none",
        "markeredgecolor": look.color,
        "markeredgewidth": 0.7,
        "alpha": FAINT,
    }
