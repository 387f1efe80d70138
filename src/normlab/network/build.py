"""From a spec to a network."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from normlab.layers import BatchNorm, Dense, Dropout, Layer, ReLU, Sigmoid, Tanh
from normlab.network.network import Network
from normlab.network.spec import MLPSpec

ACTIVATION_LAYERS: dict[str, Callable[[], Layer[Any]]] = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
}


def build_mlp(spec: MLPSpec, *, rng: np.random.Generator) -> Network:
    """Build the multi-layer perceptron that ``spec`` describes.

    ``rng`` gives the initial weights, layer by layer; nothing else is drawn from it. So two
    networks of the same sizes, one with and one without normalization or dropout, start from the
    same weights when their generators start alike. The masks of dropout come from generators
    spawned from ``rng``.

    Examples
    --------
    >>> spec = MLPSpec(sizes=(784, 100, 10), normalization="batch")
    >>> build_mlp(spec, rng=np.random.default_rng(0))
    Network([
        Dense(784, 100, bias=False),
        BatchNorm(100),
        ReLU(),
        Dense(100, 10),
    ])
    """
    *hidden, last = pairwise(spec.sizes)
    layers: list[Layer[Any]] = []
    for n_inputs, n_outputs in hidden:
        layers += _hidden_layer(spec, n_inputs, n_outputs, rng)
    layers.append(Dense(*last, rng=rng, weight_init=spec.weight_init, dtype=spec.dtype))
    return Network(layers)


def _hidden_layer(
    spec: MLPSpec, n_inputs: int, n_outputs: int, rng: np.random.Generator
) -> list[Layer[Any]]:
    normalized_next = spec.normalization == "batch" and spec.placement == "before"
    dense = Dense(
        n_inputs,
        n_outputs,
        rng=rng,
        weight_init=spec.weight_init,
        bias=spec.bias_before_normalization or not normalized_next,
        dtype=spec.dtype,
    )
    after: list[Layer[Any]] = [ACTIVATION_LAYERS[spec.activation]()]
    if spec.normalization == "batch":
        norm = BatchNorm(
            n_outputs,
            convention=spec.convention,
            scale=spec.scale,
            shift=spec.shift,
            dtype=spec.dtype,
        )
        after.insert(0 if spec.placement == "before" else 1, norm)
    if spec.dropout > 0:
        after.append(Dropout(spec.dropout, rng=rng.spawn(1)[0]))
    return [dense, *after]
