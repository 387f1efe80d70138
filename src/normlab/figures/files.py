"""A drawing as the bytes of a file: the same drawing, the same bytes."""

from io import BytesIO

from matplotlib.figure import Figure

from normlab.figures.style import styled
from normlab.lab.experiment import Experiment

FORMATS = ("svg", "png")


def render(figure: Figure, suffix: str, experiment: Experiment) -> bytes:
    """Return ``figure`` as an SVG or PNG file that names its experiment, but no date or version."""
    metadata = {"Title": experiment.title, "Description": experiment.question}
    nothing = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    content = BytesIO()
    with styled():
        figure.savefig(content, format=suffix, metadata=metadata | nothing[suffix])
    return content.getvalue()
