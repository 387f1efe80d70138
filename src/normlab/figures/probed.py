"""What probes recorded, in the form that figures show."""

from collections.abc import Iterator

import numpy as np

from normlab._typing import FloatArray
from normlab.figures.selection import Part, Place
from normlab.training import History


def found(
    part: Part, series: str, layer: str
) -> Iterator[tuple[Place, int, FloatArray, FloatArray]]:
    """Yield place, replicate, probed steps and values of a layer: ``(steps, ...)``.

    Trials that have no such layer, or no record of it, are left out.
    """
    for place, replicate, history in part.histories():
        values = of_layer(history, series, layer)
        if values is not None and len(values):
            yield place, replicate, history.probed_steps.astype(float), values


def of_layer(history: History, series: str, layer: str) -> FloatArray | None:
    """Return the values of a layer in a series, ``(steps, ...)``; None where it has none."""
    record = history.probes.get(series)
    if record is None or layer not in record.labels[record.axes.index("layer")]:
        return None
    axis = record.axes.index("layer")
    values: FloatArray = np.take(record.values, record.labels[axis].index(layer), axis=axis + 1)
    return values


def why_empty(part: Part, place: Place, what: str) -> str:
    """Return why a panel shows nothing of ``what``."""
    there = part.take(part.results.present())[place].any()
    return f"no {what} here" if there else "not run"
