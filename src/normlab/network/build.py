"""From a spec to a network."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from normlab import _checks
from normlab.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)
from normlab.layers.initializers import draw_weight
from normlab.network.network import Network
from normlab.network.spec import CNNSpec, MLPSpec, NetworkSpec

ACTIVATION_LAYERS: dict[str, Callable[[], Layer[Any]]] = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
}


def build_network(spec: NetworkSpec, *, rng: np.random.Generator) -> Network:
    """Build the network that ``spec`` describes: ``build_mlp`` or ``build_cnn``."""
    _checks.require(isinstance(spec, NetworkSpec), "spec", "be an MLPSpec or a CNNSpec", spec)
    return build_mlp(spec, rng=rng) if isinstance(spec, MLPSpec) else build_cnn(spec, rng=rng)


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
    _checks.instance("spec", spec, MLPSpec)
    return Network(_dense_layers(spec, spec.sizes, _checks.generator("rng", rng), masks=rng))


def build_cnn(spec: CNNSpec, *, rng: np.random.Generator) -> Network:
    """Build the convolutional network that ``spec`` describes.

    ``rng`` gives the initial weights, layer by layer; nothing else is drawn from it. Gammas, betas
    and the masks of dropout come from generators spawned from it, one for each of the three, so
    that what is normalized, and how gamma and beta start, changes neither weights nor masks.

    Examples
    --------
    >>> spec = CNNSpec(maps=(32,), hidden=(), normalization="batch")
    >>> build_cnn(spec, rng=np.random.default_rng(0))
    Network([
        Conv2D(1, 32, 5, bias=False),
        BatchNorm(32),
        ReLU(),
        MaxPool2D(2),
        Flatten(),
        Dense(6272, 10),
    ])
    """
    _checks.instance("spec", spec, CNNSpec)
    gammas, betas, masks = _checks.generator("rng", rng).spawn(3)
    layers = [*_convolutions(spec, rng), Flatten()]
    layers += _dense_layers(spec, spec.dense_sizes, rng, masks)
    for layer in layers:
        if isinstance(layer, BatchNorm):
            _start(layer.gamma, spec.gamma_init, gammas)
            _start(layer.beta, spec.beta_init, betas)
        elif isinstance(layer, Conv2D | Dense) and layer.bias is not None:
            layer.bias[...] = spec.bias_init
    return Network(layers, input_shape=spec.image_shape)


def _convolutions(spec: CNNSpec, rng: np.random.Generator) -> list[Layer[Any]]:
    """Return convolutions with what follows each, and pooling."""
    layers: list[Layer[Any]] = []
    for n_inputs, n_maps in pairwise((spec.image_shape[2], *spec.maps)):
        layers.append(
            Conv2D(
                n_inputs,
                n_maps,
                spec.kernel_size,
                padding=spec.padding,
                bias=_keeps_bias(spec),
                **_weights(spec, rng),
            )
        )
        layers += _normalized_activation(spec, n_maps)
        if spec.pool_size > 1:
            layers.append(MaxPool2D(spec.pool_size))
    return layers


def _dense_layers(
    spec: NetworkSpec, sizes: tuple[int, ...], rng: np.random.Generator, masks: np.random.Generator
) -> list[Layer[Any]]:
    """Return hidden dense layers with what follows each, and the last, which is dense alone."""
    *hidden, last = pairwise(sizes)
    layers: list[Layer[Any]] = []
    for n_inputs, n_outputs in hidden:
        bias = _keeps_bias(spec)
        layers.append(Dense(n_inputs, n_outputs, bias=bias, **_weights(spec, rng)))
        layers += _normalized_activation(spec, n_outputs)
        if spec.dropout > 0:
            layers.append(Dropout(spec.dropout, rng=masks.spawn(1)[0]))
    return [*layers, Dense(*last, **_weights(spec, rng))]


def _normalized_activation(spec: NetworkSpec, n_features: int) -> list[Layer[Any]]:
    """Return the activation of a hidden layer, and its normalization where the spec puts it."""
    layers: list[Layer[Any]] = [ACTIVATION_LAYERS[spec.activation]()]
    if spec.normalization == "batch":
        norm = BatchNorm(
            n_features,
            convention=spec.convention,
            scale=spec.scale,
            shift=spec.shift,
            dtype=spec.dtype,
        )
        layers.insert(0 if spec.placement == "before" else 1, norm)
    return layers


def _keeps_bias(spec: NetworkSpec) -> bool:
    """Return whether a hidden layer has a bias: not where the normalization would cancel it."""
    normalized_next = spec.normalization == "batch" and spec.placement == "before"
    return spec.bias_before_normalization or not normalized_next


def _weights(spec: NetworkSpec, rng: np.random.Generator) -> dict[str, Any]:
    """Return the arguments of a layer that say how its weights are drawn."""
    options = {"rng": rng, "weight_init": spec.weight_init, "dtype": spec.dtype}
    return options | ({"truncated": spec.truncated} if isinstance(spec, CNNSpec) else {})


def _start(values: Any, init: str | float, rng: np.random.Generator) -> None:
    """Draw where gamma or beta starts, unless it is there by name."""
    if values is not None and not isinstance(init, str):
        values[...] = draw_weight((1, len(values)), init, rng, values.dtype, truncated=True)
