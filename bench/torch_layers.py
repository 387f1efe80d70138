"""The same layers, and the same loss, in eager PyTorch."""

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.layer import Given, Way
from bench.torch_cnn import LAYOUTS
from bench.torch_eager import laid_out
from normlab import layers
from normlab.layers import Layer

Array = NDArray[Any]


def steps(layer: Layer[Any], given: Given) -> dict[str, Way]:
    """Return what runs the layer forward and backward, in each layout of the same values."""
    if given.x.ndim == 2:
        dy = torch.tensor(given.dy)
        return {"PyTorch": partial(_step, _like(layer), torch.tensor(given.x), dy)}
    found: dict[str, Way] = {}
    for name, layout in LAYOUTS.items():
        module = _like(layer).to(memory_format=layout)
        found[name] = partial(_step, module, *(laid_out(a, layout) for a in given))
    return found


def tensors(y: Array, target: Array) -> tuple[torch.Tensor, torch.Tensor]:
    """Copy outputs, with a gradient, and class indices."""
    return torch.tensor(y, requires_grad=True), torch.tensor(target)


def cross_entropy(y: torch.Tensor, target: torch.Tensor) -> tuple[Array, Array]:
    """Return value and gradient."""
    value = nn.functional.cross_entropy(y, target)
    (dy,) = torch.autograd.grad(value, (y,))
    return value.detach().numpy(), dy.numpy()


def _step(module: nn.Module, x: torch.Tensor, dy: torch.Tensor) -> tuple[Array, Array]:
    x.requires_grad_()
    y = module(x)
    dx, *_ = torch.autograd.grad(y, (x, *module.parameters()), dy)
    return _features_last(y), _features_last(dx)


def _features_last(a: torch.Tensor) -> Array:
    values: Array = np.moveaxis(a.detach().numpy(), 1, -1)
    return values


def _like(layer: Layer[Any]) -> Any:
    """Return PyTorch's module for a layer, with the same weights."""
    match layer:
        case layers.Dense():
            return _filled(nn.Linear(*layer.weight.shape), layer.weight.T, layer.bias)
        case layers.Conv2D():
            sizes = layer.in_channels, layer.out_channels, layer.kernel_size
            weight = layer.weight.transpose(3, 2, 0, 1)
            return _filled(nn.Conv2d(*sizes, padding="same"), weight, layer.bias)
        case layers.Dropout():
            return nn.Dropout(layer.rate)
        case layers.MaxPool2D():
            return nn.MaxPool2d(layer.pool_size)
        case layers.AveragePool2D():
            return nn.AvgPool2d(layer.pool_size)
        case layers.GlobalAveragePool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    modules: dict[type, Any] = {
        layers.ReLU: nn.ReLU,
        layers.Sigmoid: nn.Sigmoid,
        layers.Tanh: nn.Tanh,
    }
    return modules[type(layer)]()


def _filled(module: nn.Module, weight: Array, bias: Array | None) -> Any:
    with torch.no_grad():
        for name, values in (("weight", weight), ("bias", bias)):
            module.get_parameter(name).copy_(torch.tensor(values))
    return module
