"""The page of every figure: panels in a grid, title, subtitle and one legend above them."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from normlab.figures.legend import Legend, arrange
from normlab.figures.measure import n_lines, wrap
from normlab.figures.style import GREY

WIDTH = 10.0  # inches, as all sizes here: that of a slide
SINGLE, SMALLEST = (8.9, 4.3), (2.6, 1.95)  # of one panel alone, and of one of many
ROW = 2.9  # the least height of panels in a single row
TITLE, SUBTITLE, LABEL, PANEL_TITLE = 15, 10, 11, 10.5  # font sizes in points


class Text(NamedTuple):
    """The words of a figure."""

    title: str
    subtitle: str
    x: str
    y: str


class Sheet(NamedTuple):
    """How the panels lie: the size of each, and the room around them."""

    n_columns: int
    panel: tuple[float, float]
    left: float = 0.8
    right: float = 0.3
    bottom: float = 0.62
    gap: float = 0.28

    @property
    def width(self) -> float:
        """The width of all panels together."""
        return self.n_columns * (self.panel[0] + self.gap) - self.gap


def columns(n_panels: int) -> int:
    """Return the columns of a grid that is as square as can be; up to three panels are a row."""
    return n_panels if n_panels <= 3 else ceil(sqrt(n_panels))


def sheet(n_panels: int, **changes: Any) -> Sheet:
    """Return panels that fill the width of a slide, and more of its height where they are many."""
    n_columns = columns(n_panels)
    if n_panels == 1:
        return Sheet(1, SINGLE)._replace(**changes)
    usual = Sheet(n_columns, SMALLEST)._replace(**changes)
    room = WIDTH - usual.left - usual.right - (n_columns - 1) * usual.gap
    width = max(SMALLEST[0], room / n_columns)
    least = ROW if n_panels == n_columns else SMALLEST[1]
    return usual._replace(panel=(width, max(least, 0.72 * width)))


def page(
    text: Text, titles: Sequence[str], legend: Legend, sheet: Sheet
) -> tuple[Figure, list[Axes]]:
    """Return a figure with its words and a legend, and its empty panels, which share their axes."""
    width = max(sheet.left + sheet.width + sheet.right, 7.0)
    room = width - sheet.left - 0.15
    title, subtitle = wrap(text.title, room, TITLE, "bold"), wrap(text.subtitle, room, SUBTITLE)
    entries, n_legend_columns, legend_height = arrange(legend, room)
    titles = [wrap(each, sheet.panel[0], PANEL_TITLE) for each in titles]
    words = 0.19 + 0.26 * n_lines([title]) + 0.17 * n_lines([subtitle])
    above_row = 0.1 + 0.18 * n_lines(titles)
    n_rows = ceil(len(titles) / sheet.n_columns)
    row = sheet.panel[1] + above_row + 0.12
    bottom = sheet.bottom + 0.18 * (n_lines([text.x]) - 1)
    height = words + 0.12 + legend_height + n_rows * row + bottom
    figure = Figure(figsize=(width, height))
    x = sheet.left / width
    figure.text(x, 1 - 0.14 / height, title, size=TITLE, weight="bold", va="top")
    below = 1 - (0.2 + 0.26 * n_lines([title])) / height
    figure.text(x, below, subtitle, size=SUBTITLE, color=GREY, va="top")
    _put_legend(figure, entries, n_legend_columns, x, 1 - (words + 0.12) / height)
    panels = _panels(figure, sheet, titles, n_rows, bottom, row)
    _name_axes(figure, text, sheet, bottom, n_rows * row)
    return figure, panels


def note(axes: Axes, text: str) -> None:
    """Write in the middle of a panel why it is empty."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)


def _panels(
    figure: Figure, sheet: Sheet, titles: Sequence[str], n_rows: int, bottom: float, row: float
) -> list[Axes]:
    width, height = figure.get_size_inches()
    between = row - sheet.panel[1]
    grid = figure.subplots(n_rows, sheet.n_columns, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=sheet.left / width,
        right=(sheet.left + sheet.width) / width,
        bottom=bottom / height,
        top=(bottom + n_rows * row - between) / height,
        wspace=sheet.gap / sheet.panel[0],
        hspace=between / sheet.panel[1],
    )
    panels = list(grid.flat)
    for axes in panels[len(titles) :]:
        axes.remove()
    for i, title in enumerate(titles):
        last = i + sheet.n_columns >= len(titles)
        panels[i].set_title(title)
        panels[i].tick_params(which="both", length=0, labelbottom=last)
    return panels[: len(titles)]


def _name_axes(figure: Figure, text: Text, sheet: Sheet, bottom: float, rows: float) -> None:
    width, height = figure.get_size_inches()
    middle = (sheet.left + sheet.width / 2) / width
    x, y = wrap(text.x, sheet.width, LABEL), wrap(text.y, rows, LABEL)
    figure.supxlabel(x, x=middle, y=0.12 / height)
    figure.supylabel(y, y=(bottom + rows / 2 - 0.1) / height, x=0.12 / width, va="center")


def _put_legend(figure: Figure, entries: Legend, n_columns: int, x: float, y: float) -> None:
    if not entries:
        return
    figure.legend(
        [handle for handle, _ in entries],
        [name for _, name in entries],
        loc="upper left",
        bbox_to_anchor=(x, y),
        ncols=n_columns,
        borderaxespad=0,
        borderpad=0,
        columnspacing=1.6,
        handletextpad=0.6,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.4)},
    )
