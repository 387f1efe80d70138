"""``updates``: how far the step moves each parameter."""

from math import nan

import numpy as np

from normlab._typing import FloatArray
from normlab.training.probes.observation import Observation, Reading, by_parameter
from normlab.training.probes.settings import Probes


def updates(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return the norm of each parameter's change over its norm before; NaN where that is 0."""
    after = seen.parameters
    return {
        "update_ratio": by_parameter(after, lambda name: _ratio(seen.before[name], after[name]))
    }


def _ratio(before: FloatArray, after: FloatArray) -> float:
    before = before.astype(float)
    size = float(np.linalg.norm(before))
    return float(np.linalg.norm(after - before)) / size if size != 0 else nan
