"""Pictures: results to the numbers of a figure, and those to a drawing.

::

    small_multiples.py            a panel a level, curves over training
    response_against_factor.py    the final response over the levels of a factor
    selection.py                  the part of the results that a figure shows; mean and range
    published.py                  published values, matched to levels
    words.py                      levels, factors and responses in words
    frame.py                      title, legend, the axis of the response
    style.py                      colors, line styles, sizes
    files.py                      a drawing as the bytes of a file

Each kind of figure has ``numbers(results, spec)``, which computes everything that is shown, and
``draw(numbers)``, which computes nothing.
"""

from pathlib import Path

from matplotlib.figure import Figure

from normlab.figures import response_against_factor, small_multiples
from normlab.figures.files import FORMATS, render
from normlab.lab import Results
from normlab.lab.experiment import FigureSpec
from normlab.lab.store import write_file

__all__ = ["draw", "draw_all"]


def draw(results: Results, spec: FigureSpec) -> Figure:
    """Return the drawing of one figure of an experiment."""
    if spec.kind == "small-multiples":
        return small_multiples.draw(small_multiples.numbers(results, spec))
    return response_against_factor.draw(response_against_factor.numbers(results, spec))


def draw_all(results: Results, folder: Path) -> list[Path]:
    """Draw the experiment's figures into a folder, as SVG and PNG; return the paths.

    The same results give the same bytes.
    """
    paths = []
    for spec in results.experiment.figures:
        figure = draw(results, spec)
        for suffix in FORMATS:
            path = folder / f"{spec.file}.{suffix}"
            write_file(path, render(figure, suffix, results.experiment))
            paths.append(path)
    return paths
