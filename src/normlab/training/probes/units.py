"""``units``: how the input of single units is distributed over the batch."""

import numpy as np

from normlab._typing import FloatArray
from normlab.training.probes.observation import LayerPass, Observation, Reading, by_layer
from normlab.training.probes.settings import Probes


def units(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return percentiles of the input of the first units of each activation layer.

    Over all values of the unit in the batch: rows, and with images positions too. NaN for units
    beyond the layer's.
    """
    q = settings.percentiles

    def measure(layer: LayerPass) -> FloatArray:
        x = layer.x.reshape(-1, layer.x.shape[-1])[:, : settings.units].astype(float)
        found = np.full((settings.units, len(q)), np.nan)
        found[: x.shape[1]] = np.percentile(x, q, axis=0).T
        return found

    unit = range(settings.units)
    return {"unit_percentiles": by_layer(seen.activations, measure, unit=unit, percentile=q)}
