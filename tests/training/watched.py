"""What probes should see at the first step of a toy training, found layer by layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from toy import fit, toy_data, toy_network

from normlab._typing import FloatArray, Gradients
from normlab.data import batches
from normlab.layers import Layer
from normlab.network import Network
from normlab.training import History, Probes


@dataclass
class Part:
    """One layer's part of a pass."""

    layer: Layer[Any]
    x: FloatArray
    y: FloatArray
    cache: Any
    dy: FloatArray
    gradients: Gradients


def network(dead: int = 0, **options: Any) -> Network:
    """4 - 8 - 8 - 3 in float64; the first so many units of the first layer are never on."""
    made = toy_network(**({"dtype": "float64"} | options))
    if dead:
        made.parameters["0.bias"][:dead] = -100
    return made


def probed(
    *names: Any, steps: int = 1, options: dict[str, Any] | None = None, **more: Any
) -> History:
    """Train a float64 toy network with these probes at every step."""
    settings = Probes(names=names, every=1, **more)
    data = toy_data(dtype=np.float64)
    return fit(network(**(options or {})), data, steps=steps, probes=settings)


def first_batch() -> tuple[FloatArray, Any]:
    rows = next(batches(40, 10, replacement=False, rng=np.random.default_rng(1)))
    data = toy_data(dtype=np.float64)
    return data.x_train[rows], data.y_train[rows]


def first_pass(**options: Any) -> list[Part]:
    """Return the forward and backward pass of the first step, one layer after the other."""
    x, target = first_batch()
    parts = []
    for layer in network(**options).layers:
        y, cache = layer.forward(x, training=True)
        parts.append(Part(layer, x, y, cache, y, {}))
        x = y
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dy = (p - np.eye(3)[target]) / 10
    for part in reversed(parts):
        part.dy = dy
        dy, part.gradients = part.layer.backward(dy, part.cache)
    return parts


def only(parts: list[Part], kind: Any) -> list[Part]:
    return [part for part in parts if isinstance(part.layer, kind)]
