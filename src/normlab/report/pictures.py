"""Figures as part of a page, with words for those who do not see them."""

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple

from normlab import figures
from normlab.figures.files import render
from normlab.lab import Results, words
from normlab.lab.experiment import Experiment
from normlab.lab.figure_spec import FigureSpec

CAPTIONS = {
    "learning-curves": "{response} over training",
    "small-multiples": "{response} over training",
    "response-against-factor": "{response} against {x}",
    "heat-map": "{response} over {x} and {y}",
    "histograms": "Outputs of {layer} over training",
    "percentile-bands": "Percentiles of the input of unit {unit} of {layer} over training",
    "gradient-norms": "Gradient norm by layer{when}",
}


class Picture(NamedTuple):
    """A figure."""

    name: str  # of its file
    caption: str
    description: str  # its numbers in words
    source: str  # a data URL


def pictures(results: Results, drawn: Mapping[str, bytes]) -> tuple[Picture, ...]:
    """Return the experiment's figures as SVG, drawn but for the files that ``drawn`` has."""
    return tuple(
        _picture(results, spec, drawn.get(f"{spec.file}.svg"))
        for spec in results.experiment.figures
    )


def _picture(results: Results, spec: FigureSpec, drawing: bytes | None) -> Picture:
    if drawing is None:
        drawing = render(figures.draw(results, spec), "svg", results.experiment)
    source = "data:image/svg+xml;base64," + b64encode(drawing).decode()
    description = figures.describe(results, spec)
    return Picture(spec.file, caption(results.experiment, spec), description, source)


def caption(experiment: Experiment, spec: FigureSpec) -> str:
    """Return what a figure shows, and where: ``"Training accuracy against scale of weights"``."""
    named = {f: n for f in ("x", "y", "panels", "lines") if (n := getattr(spec, f)) is not None}
    labels = {field: words.label(experiment, name) for field, name in named.items()}
    known = experiment.all_responses()
    response = known[spec.response].words if spec.response is not None else ""
    when = "" if spec.step == "first" else f" at the {spec.step} probed step"
    others = {"response": response, "layer": spec.layer, "unit": spec.unit, "when": when}
    said = [words.capitalized(CAPTIONS[spec.kind].format(**labels, **others))]
    if spec.panels is not None:
        said.append(f"a panel for each level of {labels['panels']}")
    where = ", ".join(figures.held(experiment, spec))
    return ", ".join(said) + (f". Here, {where}" if where else "")
