"""``dead-units``: units that no row of the batch can teach."""

import numpy as np

from normlab.layers.activation import ActivationCache
from normlab.training.probes.observation import LayerPass, Observation, Reading, by_layer
from normlab.training.probes.settings import Probes

SMALL = 1e-3


def dead_units(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return the share of units whose derivative is below 1e-3 throughout the batch.

    A unit is a feature: with images it is dead where it is so on every row and position. ReLU's
    derivative is 0 or 1, so that its dead units are those that are never on.
    """
    return {"dead_share": by_layer(seen.activations, _dead_share)}


def _dead_share(seen: LayerPass) -> float:
    derivative, _ = seen.layer.backward(np.ones_like(seen.y), ActivationCache(seen.y))
    units = derivative.reshape(-1, derivative.shape[-1])
    return float((units < SMALL).all(axis=0).mean())
