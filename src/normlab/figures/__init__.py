"""Pictures: results to the numbers of a figure, and those to a drawing.

::

    learning_curves.py            a recorded quantity over training, on one large panel
    small_multiples.py            the same, a panel a level
    response_against_factor.py    a response over the levels of a factor
    heat_map.py                   a response over the levels of two factors
    histograms.py                 the outputs of a layer over training
    percentile_bands.py           the input of one unit over training
    gradient_norms.py             gradient norms layer by layer
    curves.py                     what the first two share
    selection.py                  the part of the results that a figure shows; mean and range
    probed.py                     what probes recorded
    sentences.py                  numbers in sentences
    frame.py                      the page: panels, title, legend
    legend.py                     the entries of the legend, in columns that fit
    scales.py                     axes and their ticks
    color_bar.py                  what colors mean
    marks.py                      points and bands
    measure.py                    how wide a text is drawn
    style.py                      colors, line styles, sizes
    files.py                      a drawing as the bytes of a file

Each kind of figure has ``numbers(results, spec)``, which computes everything that is shown,
``draw(numbers)``, which computes nothing, and ``alt(numbers)``, which says it in words.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from matplotlib.figure import Figure

from normlab.figures import (
    gradient_norms,
    heat_map,
    histograms,
    learning_curves,
    percentile_bands,
    response_against_factor,
    small_multiples,
)
from normlab.figures.files import FORMATS, render
from normlab.figures.selection import held
from normlab.lab import Results
from normlab.lab.figure_spec import FigureKind, FigureSpec
from normlab.lab.files import write_file

__all__ = ["describe", "draw", "draw_all", "held"]

KINDS: dict[FigureKind, ModuleType] = {
    "learning-curves": learning_curves,
    "small-multiples": small_multiples,
    "response-against-factor": response_against_factor,
    "heat-map": heat_map,
    "histograms": histograms,
    "percentile-bands": percentile_bands,
    "gradient-norms": gradient_norms,
}


def draw(results: Results, spec: FigureSpec) -> Figure:
    """Return the drawing of one figure of an experiment."""
    kind = KINDS[spec.kind]
    figure: Figure = kind.draw(kind.numbers(results, spec))
    return figure


def describe(results: Results, spec: FigureSpec) -> str:
    """Return what a figure shows, in numbers, for those who do not see it."""
    kind = KINDS[spec.kind]
    text: str = kind.alt(kind.numbers(results, spec))
    where = ", ".join(held(results.experiment, spec))
    return f"{text} Here, {where}." if where else text


def draw_all(
    results: Results,
    folder: Path,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[Path, bytes]:
    """Draw the experiment's figures into a folder, as SVG and PNG; return what is in each file.

    The same results give the same bytes. ``on_progress`` is called after each figure, with the
    number of figures drawn and of all.
    """
    specs = results.experiment.figures
    drawn: dict[Path, bytes] = {}
    for i, spec in enumerate(specs, start=1):
        figure = draw(results, spec)
        for suffix in FORMATS:
            path = folder / f"{spec.file}.{suffix}"
            drawn[path] = render(figure, suffix, results.experiment)
            write_file(path, drawn[path])
        on_progress(i, len(specs))
    return drawn
