"""``statistics``: how far running statistics are from those of the batch."""

from typing import Any

import numpy as np

from normlab.training.probes.observation import LayerPass, Observation, Reading, by_layer
from normlab.training.probes.settings import Probes


def statistics(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return the distance of each BatchNorm's running statistics from the batch's.

    ::

        running_mean_error = sqrt(mean((running_mean - mean)^2 / var))
        running_var_ratio  = exp(mean(log(running_var / var)))

    Outer means are over features, without those that are constant in the batch. ``var`` has the
    ddof of the layer's running variance. Running statistics are those before the step's update.
    """
    return {
        "running_mean_error": by_layer(seen.norms, _mean_error),
        "running_var_ratio": by_layer(seen.norms, _var_ratio),
    }


def _mean_error(seen: LayerPass) -> float:
    layer, mean, var = _statistics(seen)
    return float(np.sqrt(_mean((layer.running_mean - mean) ** 2 / var, var)))


def _var_ratio(seen: LayerPass) -> float:
    layer, _, var = _statistics(seen)
    return float(np.exp(_mean(np.log(layer.running_var / var), var)))


def _statistics(seen: LayerPass) -> tuple[Any, Any, Any]:
    layer: Any = seen.layer
    batch = seen.cache.moments
    return layer, batch.mean, batch.var(layer.ddof)


def _mean(values: Any, var: Any) -> Any:
    varying = values[var != 0]
    return varying.sum() / varying.size
