"""What colors mean: a bar beside the panels."""

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from normlab.figures import frame, scales
from normlab.figures.measure import wrap


def draw_bar(
    figure: Figure,
    panels: list[Axes],
    colors: ScalarMappable,
    scale: scales.Scale,
    name: str,
    *,
    more: bool = False,
) -> None:
    """Draw a bar of colors right of the panels, as high as they are.

    It ends in a point where the last color stands for ``more`` than its number too.
    """
    width, height = figure.get_size_inches()
    boxes = [axes.get_position() for axes in panels]
    bottom, top = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    right = max(box.x1 for box in boxes)
    axes = figure.add_axes((right + 0.2 / width, bottom, 0.17 / width, top - bottom))
    bar = figure.colorbar(colors, cax=axes, extend="max" if more else "neither", extendfrac=0.04)
    bar.outline.set_visible(False)
    axes.grid(visible=False)
    axes.tick_params(which="both", length=0)
    scales.set_numbers(axes, scale)
    axes.set_ylabel(wrap(name, (top - bottom) * height, frame.LABEL))
