"""The final response over the levels of one factor, a line a level of another.

``numbers`` computes what is shown, ``draw`` only draws it.
"""

from typing import Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normlab._typing import FloatArray, IntArray
from normlab.figures import frame, selection, words
from normlab.figures.style import BAND, INK, STYLE, Look, Role, looks
from normlab.lab import Results, published
from normlab.lab.experiment import Experiment, FigureSpec

SIZE = (10.0, 6.0)  # inches
MARGINS = (0.8, 0.25, 0.15, 0.7)  # left, right, above the axes, bottom, in inches


class Line(NamedTuple):
    """One level of the lines: its final responses at each level of x."""

    name: str
    role: Role
    mean: FloatArray  # (levels of x,), NaN where there is none
    low: FloatArray
    high: FloatArray
    n_replicates: IntArray
    n_diverged: IntArray
    published: FloatArray | None  # NaN where not published


class ResponseAgainstFactor(NamedTuple):
    """The numbers and the words of a figure of final responses."""

    text: frame.Text
    scale: frame.Scale  # of the response
    x: FloatArray  # (levels of x,), their order where they are words
    x_scale: Literal["log", "linear", "words"]
    x_names: tuple[str, ...]
    lines: tuple[Line, ...]


def numbers(results: Results, spec: FigureSpec) -> ResponseAgainstFactor:
    """Return what the figure shows: the last recorded response over the levels of ``spec.x``.

    That of a trial that diverged was measured on arriving at the step where it did. Factors that
    are neither x nor lines are held at their first levels.
    """
    experiment = results.experiment
    factors = selection.axes(spec, spec.x)
    lines = _lines(results, spec.response, factors)
    x_scale, x = _x(experiment, factors[0])
    return ResponseAgainstFactor(
        text=_text(results, spec.response, factors, lines),
        scale=frame.y_scale(spec.response, [v for line in lines for v in (line.low, line.high)]),
        x=x,
        x_scale=x_scale,
        x_names=tuple(words.texts(experiment.factors[factors[0]])),
        lines=lines,
    )


def draw(numbers: ResponseAgainstFactor) -> Figure:
    """Draw the lines, with a legend above them."""
    left, right, above, bottom = MARGINS
    width, height = SIZE
    with mpl.rc_context(STYLE):
        found = looks(line.role for line in numbers.lines)
        legend = _legend(numbers, found)
        top = frame.head(legend, width - left) + above
        figure = Figure(figsize=SIZE)
        axes = figure.subplots()
        figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
        for line, look in zip(numbers.lines, found, strict=True):
            _draw_line(axes, numbers, line, look)
        _mark_divergence(axes, numbers, found)
        frame.set_y(axes, numbers.scale)
        _set_x(axes, numbers)
        axes.set(xlabel=numbers.text.x, ylabel=numbers.text.y)
        axes.tick_params(which="both", length=0)
        frame.put_words(figure, numbers.text, legend, left=left)
    return figure


def _lines(results: Results, response: str, factors: tuple[str, str]) -> tuple[Line, ...]:
    experiment = results.experiment
    final = selection.take(results, results.final(response), factors)
    diverged = ~np.isnan(selection.take(results, results.diverged_at(), factors))
    present = selection.take(results, selection.presence(results), factors)
    points = published.read(experiment, response)
    lines = []
    names = words.level_names(experiment, factors[1])
    for i, name in enumerate(names):
        places = [selection.levels_at(experiment, factors, (j, i)) for j in range(len(final))]
        known = [points[p].value[-1] if p in points else np.nan for p in places]
        line = Line(
            name,
            selection.roles(experiment, factors[1])[i],
            *selection.spread(final[:, i].T),
            n_replicates=present[:, i].sum(axis=-1),
            n_diverged=diverged[:, i].sum(axis=-1),
            published=np.array(known) if np.isfinite(known).any() else None,
        )
        lines.append(line)
    return tuple(lines)


def _x(experiment: Experiment, name: str) -> tuple[Literal["log", "linear", "words"], FloatArray]:
    factor = experiment.factors[name]
    values = factor.values
    if any(isinstance(value, str | bool) for value in values):
        return "words", np.arange(len(values), dtype=float)
    return "log" if factor.is_geometric else "linear", np.array(values, dtype=float)


def _text(
    results: Results, response: str, factors: tuple[str, str], lines: tuple[Line, ...]
) -> frame.Text:
    experiment = results.experiment
    counts = [int(n) for line in lines for n in line.n_replicates]
    label, symbol = words.label(experiment, factors[0]), words.symbol(experiment, factors[0])
    what = words.RESPONSES[response]
    last = f" after {results.steps[-1]} steps" if len(results.steps) else ""
    last += ", or where it diverged" if any(map(_diverges, lines)) else ""
    return frame.Text(
        title=experiment.title,
        subtitle=f"{what.capitalize()}{last}. Points: {frame.mean_of(counts)}."
        + selection.held(experiment, factors),
        x=f"{label}, {symbol}" if symbol != label else label,
        y=what,
    )


def _draw_line(axes: Axes, numbers: ResponseAgainstFactor, line: Line, look: Look) -> None:
    order = np.argsort(numbers.x)
    x, mean = numbers.x[order], line.mean[order]
    if line.n_replicates.max(initial=0) > 1:
        low, high = line.low[order], line.high[order]
        axes.fill_between(x, low, high, color=look.color, alpha=BAND, linewidth=0)
    if line.published is not None:
        marks = frame.published_marks(look) | {"markersize": 5}
        axes.plot(numbers.x, line.published, linestyle="", zorder=2.1, **marks)
    axes.plot(x, mean, color=look.color, linestyle=look.dashes)
    alive = (line.n_diverged < line.n_replicates)[order]
    marks = frame.solid_marks(look)
    axes.plot(x[alive], mean[alive], color=look.color, linestyle="", zorder=2.5, **marks)


def _mark_divergence(axes: Axes, numbers: ResponseAgainstFactor, looks: list[Look]) -> None:
    """Cross each point where replicates diverged, and say how many, one line's above another's."""
    for j, x in enumerate(numbers.x):
        row = 0
        for line, look in zip(numbers.lines, looks, strict=True):
            if not line.n_diverged[j]:
                continue
            known = np.isfinite(line.mean[j])
            place = (x, line.mean[j]) if known else (x, 0.03)
            transform = axes.transData if known else axes.get_xaxis_transform()
            cross = {"color": look.color, "linestyle": "", **frame.CROSS}
            axes.plot(*place, transform=transform, zorder=3, **cross)
            axes.annotate(
                f"{line.n_diverged[j]}/{line.n_replicates[j]}",
                place,
                xycoords=transform,
                xytext=(7, 5 + 11 * row),
                textcoords="offset points",
                size=9,
                color=look.color if len(numbers.lines) > 2 else INK,
            )
            row += 1


def _diverges(line: Line) -> bool:
    return bool(line.n_diverged.any())


def _set_x(axes: Axes, numbers: ResponseAgainstFactor) -> None:
    if numbers.x_scale == "words":
        axes.set_xticks(numbers.x, labels=numbers.x_names)
        axes.margins(x=0.2)
    else:
        axes.set_xscale(numbers.x_scale)
        axes.margins(x=0.03)


def _legend(numbers: ResponseAgainstFactor, looks: list[Look]) -> frame.Legend:
    lines = numbers.lines
    return frame.legend(
        [(line.name, line.role, look) for line, look in zip(lines, looks, strict=True)],
        markers=True,
        band=frame.band_name(int(n) for line in lines for n in line.n_replicates),
        diverged="replicates that diverged" if any(map(_diverges, lines)) else None,
        published=any(line.published is not None for line in lines),
    )
