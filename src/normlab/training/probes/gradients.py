"""``gradients``: how large the gradients are."""

import numpy as np

from normlab.training.probes.observation import Observation, Reading, by_layer, by_parameter
from normlab.training.probes.settings import Probes


def gradients(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return the l2 norms of the gradient of each layer's output, and of each parameter."""
    own = seen.gradients
    return {
        "gradient_norm": by_layer(seen.layers, lambda p: np.linalg.norm(p.dy.astype(float))),
        "parameter_gradient_norm": by_parameter(
            own, lambda name: float(np.linalg.norm(own[name].astype(float)))
        ),
    }
