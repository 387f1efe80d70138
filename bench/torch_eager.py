"""The peers in eager PyTorch, float32: a training of the sweep, and batch normalization."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from normlab.data import Dataset


def tensors(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """Copy the training images and labels, which are read-only."""
    return torch.tensor(data.x_train), torch.tensor(data.y_train)


def build(weights: list[NDArray[np.float64]], normalized: bool) -> nn.Sequential:
    """Build the network, with these initial weights."""
    sizes = [len(weights[0]), *(weight.shape[1] for weight in weights)]
    layers: list[nn.Module] = []
    for i, (n_inputs, n_outputs) in enumerate(pairwise(sizes)):
        hidden = i < len(weights) - 1
        dense = nn.Linear(n_inputs, n_outputs, bias=not (hidden and normalized))
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(weights[i].T))
            if dense.bias is not None:
                dense.bias.zero_()
        layers.append(dense)
        if hidden and normalized:
            norm = nn.BatchNorm1d(n_outputs, eps=1e-6, momentum=0.1)
            nn.init.zeros_(norm.get_buffer("running_var"))
            layers.append(norm)
        if hidden:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def train(
    weights: list[NDArray[np.float64]],
    normalized: bool,
    x: torch.Tensor,
    labels: torch.Tensor,
    batches: list[NDArray[Any]],
    recorded: range,
) -> list[float]:
    """Return the accuracy on all of ``x`` at the recorded steps."""
    network, loss = build(weights, normalized), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, fused=True)
    accuracies = []
    for step, numbers in enumerate(batches, start=1):
        rows = torch.from_numpy(numbers)
        optimizer.zero_grad()
        loss(network(x[rows]), labels[rows]).backward()
        optimizer.step()
        if step in recorded:
            network.eval()
            with torch.no_grad():
                right = network(x).argmax(dim=1) == labels
                accuracies.append(right.float().mean().item())
            network.train()
    return accuracies


def batch_norm_steps(
    x: NDArray[np.float32], dy: NDArray[np.float32], *, backward: bool, relu: bool
) -> dict[str, Callable[[], str]]:
    """Return a step for each layout of the same values, features last in ``x`` and ``dy``."""
    layouts = {"PyTorch": torch.contiguous_format}
    if x.ndim == 4:
        layouts = {"PyTorch, contiguous": torch.contiguous_format}
        layouts["PyTorch, channels_last"] = torch.channels_last
    step = _forward_backward if backward else _forward
    return {
        name: partial(step, _norm(x, relu), laid_out(x, layout), laid_out(dy, layout))
        for name, layout in layouts.items()
    }


def _norm(x: NDArray[np.float32], relu: bool) -> nn.Module:
    norm = nn.BatchNorm2d(x.shape[-1]) if x.ndim == 4 else nn.BatchNorm1d(x.shape[-1])
    return nn.Sequential(norm, nn.ReLU()) if relu else norm


def laid_out(a: NDArray[np.float32], layout: torch.memory_format) -> torch.Tensor:
    """Return the values with the feature axis second, in this layout."""
    values = torch.tensor(np.moveaxis(a, -1, 1))
    return values.contiguous(memory_format=layout) if a.ndim == 4 else values


def _forward(norm: nn.Module, x: torch.Tensor, dy: torch.Tensor) -> str:
    with torch.no_grad():
        norm(x)
    return ""


def _forward_backward(norm: nn.Module, x: torch.Tensor, dy: torch.Tensor) -> str:
    x.requires_grad_()
    torch.autograd.grad(norm(x), (x, *norm.parameters()), dy)
    return ""
