"""PyTorch in float64: pooling of random images by random windows, forward and backward."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from normlab.layers import AveragePool2D, GlobalAveragePool, MaxPool2D

Array = NDArray[Any]


class Drawn(NamedTuple):
    """A random shape and the arguments of a pooling that fits it."""

    shape: tuple[int, ...]
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: int


def draw(seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    height, width, down, across = map(int, rng.integers(1, 6, 4))
    padding = int(rng.integers(0, min(height, width) // 2 + 1))  # PyTorch takes no more
    rows, columns = map(int, rng.integers(0, 9, 2))
    shape = (int(rng.integers(1, 4)), height + rows, width + columns, int(rng.integers(1, 20)))
    return Drawn(shape, (height, width), (down, across), padding)


every_pooling = pytest.mark.parametrize("drawn", [draw(seed) for seed in range(60)])


def theirs(function: Any, x: Array, dy: Array) -> tuple[Array, Array]:
    """Return y and dx, channels last, of a PyTorch function on channels-first images."""
    leaf = torch.from_numpy(x).requires_grad_()
    y = function(leaf.movedim(-1, 1)).movedim(1, -1)
    torch.autograd.backward(y, torch.from_numpy(dy))
    assert leaf.grad is not None
    return y.detach().numpy(), leaf.grad.numpy()


def assert_same(layer: Any, function: Any, x: Array) -> None:
    y, cache = layer.forward(x, training=True)
    dy = np.random.default_rng(2).standard_normal(y.shape)
    expected = theirs(function, x, dy)
    for ours, other in zip((y, layer.backward(dy, cache)[0]), expected, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-12, atol=1e-14)


def assert_max_is_pytorch_s(drawn: Drawn, x: Array) -> None:
    layer = MaxPool2D(drawn.size, stride=drawn.stride, padding=drawn.padding)
    assert_same(layer, lambda t: functional.max_pool2d(t, *drawn[1:]), x)


@every_pooling
def test_maximum_pooling_is_pytorch_s(drawn: Drawn) -> None:
    assert_max_is_pytorch_s(drawn, np.random.default_rng(1).standard_normal(drawn.shape))


@every_pooling
def test_maximum_pooling_of_ties_is_pytorch_s(drawn: Drawn) -> None:
    x = np.random.default_rng(1).integers(0, 3, drawn.shape).astype(float)
    assert_max_is_pytorch_s(drawn, x)


@every_pooling
def test_maximum_pooling_of_nan_and_infinity_is_pytorch_s(drawn: Drawn) -> None:
    values = np.array([-np.inf, 0.0, 1.0, np.inf, np.nan])
    p = [0.4, 0.2, 0.2, 0.1, 0.1]
    x = np.random.default_rng(1).choice(values, drawn.shape, p=p)
    assert_max_is_pytorch_s(drawn, x)


@every_pooling
def test_average_pooling_is_pytorch_s_without_its_padding(drawn: Drawn) -> None:
    layer = AveragePool2D(drawn.size, stride=drawn.stride, padding=drawn.padding)
    x = np.random.default_rng(1).standard_normal(drawn.shape)
    assert_same(layer, lambda t: functional.avg_pool2d(t, *drawn[1:], count_include_pad=False), x)


def test_pytorch_counts_padding_unless_told_otherwise() -> None:
    x = np.ones((1, 3, 3, 1))
    y, _ = AveragePool2D(2, padding=1).forward(x, training=True)
    counted = functional.avg_pool2d(torch.from_numpy(x).movedim(-1, 1), 2, 2, 1)
    assert (y.min(), float(counted.min())) == (1.0, 0.25)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 4, 5, 7), (5, 28, 28, 32)])
def test_global_average_pooling_is_pytorch_s(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).standard_normal(shape)
    assert_same(GlobalAveragePool(), lambda t: functional.adaptive_avg_pool2d(t, 1)[..., 0, 0], x)
