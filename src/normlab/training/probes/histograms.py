"""``histograms``: how the outputs of activation layers are distributed."""

from typing import Any

import numpy as np

from normlab._typing import FloatArray
from normlab.layers import Layer, ReLU, Sigmoid, Tanh
from normlab.training.probes.observation import LayerPass, Observation, Reading, by_layer
from normlab.training.probes.settings import Probes

RANGES: dict[type[Layer[Any]], tuple[float, float]] = {
    Sigmoid: (0.0, 1.0),
    Tanh: (-1.0, 1.0),
    ReLU: (0.0, 5.0),
}
"""From the first to the last edge, by the class of the layer."""

OTHER_RANGE = (-5.0, 5.0)


def histograms(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return the share of an activation layer's outputs in each bin, and the edges of the bins.

    Values beyond the edges lie in the end bins; NaN lies in none.
    """
    n = settings.bins

    def shares(layer: LayerPass) -> FloatArray:
        ends = _range(layer)
        counts, _ = np.histogram(np.clip(layer.y, *ends), n, range=ends)
        return counts / layer.y.size

    def edges(layer: LayerPass) -> FloatArray:
        return np.linspace(*_range(layer), n + 1)

    return {
        "histogram": by_layer(seen.activations, shares, bin=range(n)),
        "histogram_edges": by_layer(seen.activations, edges, edge=range(n + 1)),
    }


def _range(layer: LayerPass) -> tuple[float, float]:
    return RANGES.get(type(layer.layer), OTHER_RANGE)
