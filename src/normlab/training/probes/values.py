"""``inputs`` and ``outputs``: the distribution of all values before and after each layer."""

from collections.abc import Callable

import numpy as np

from normlab._typing import FloatArray
from normlab.training.probes.observation import LayerPass, Observation, Reading, by_layer
from normlab.training.probes.settings import Probes


def inputs(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return mean, standard deviation and percentiles of the input of each layer."""
    return _distribution("input", seen, settings, lambda layer: layer.x)


def outputs(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return mean, standard deviation and percentiles of the output of each layer."""
    return _distribution("output", seen, settings, lambda layer: layer.y)


def _distribution(
    what: str, seen: Observation, settings: Probes, values: Callable[[LayerPass], FloatArray]
) -> dict[str, Reading]:
    q = settings.percentiles
    return {
        f"{what}_mean": by_layer(seen.layers, lambda p: values(p).mean(dtype=float)),
        f"{what}_std": by_layer(seen.layers, lambda p: values(p).std(dtype=float)),
        f"{what}_percentiles": by_layer(
            seen.layers, lambda p: np.percentile(values(p).astype(float), q), percentile=q
        ),
    }
