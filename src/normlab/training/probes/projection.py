"""``projection``: what batch normalization lets pass of a gradient, at this batch size."""

from typing import Any

import numpy as np

from normlab.layers import BatchNorm
from normlab.training.probes.observation import LayerPass, Observation, Reading, by_layer
from normlab.training.probes.settings import Probes


def projection(seen: Observation, settings: Probes) -> dict[str, Reading]:
    """Return the median over features of ``||dx|| / ||dy||``, norms over the batch.

    Backward through batch normalization, the part of dy along 1 and along x_hat is taken away: of
    m directions, 2. It is seen by a normalization of the layer's size, convention and eps with
    gamma 1, on as many standard normal rows as the batch has, with a standard normal dy, in
    float64; both are drawn anew at each step.
    """
    return {"passed_gradient": by_layer(seen.norms, lambda norm: _passed(norm, seen))}


def _passed(norm: LayerPass, seen: Observation) -> float:
    layer: Any = norm.layer
    if seen.n_rows < 2:  # images: one of them has many values a feature, one row has not
        return np.nan
    like = BatchNorm(layer.n_features, convention=layer.convention, eps=layer.eps, dtype=float)
    x, dy = seen.rng.standard_normal((2, seen.n_rows, layer.n_features))
    dx, _ = like.backward(dy, like.forward(x, training=True)[1])
    return float(np.median(np.linalg.norm(dx, axis=0) / np.linalg.norm(dy, axis=0)))
