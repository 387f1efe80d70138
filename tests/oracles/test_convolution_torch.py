"""PyTorch in float64: convolution on random shapes."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from normlab.errors import ShapeError
from normlab.layers import Conv2D

Array = NDArray[Any]


def drawn(seed: int) -> tuple[Conv2D, tuple[int, ...]]:
    """Return a random layer that takes images of a random shape, and that shape."""
    rng = np.random.default_rng(seed)
    while True:
        sizes = [int(size) for size in rng.integers(1, 6, 2)]
        stride = (1, 1) if rng.random() < 0.4 else tuple(int(s) for s in rng.integers(1, 5, 2))
        padding = ("same", "valid", int(rng.integers(0, 6)))[rng.integers(3)]
        if padding == "same":
            stride = (1, 1)  # with another one, PyTorch has no "same"
        channels = [int(count) for count in rng.integers(1, 40, 2)]
        shape = tuple(int(size) for size in (*rng.integers(1, 5, 1), *rng.integers(1, 15, 2)))
        options: Any = {"stride": stride, "padding": padding, "bias": bool(rng.integers(2))}
        layer = Conv2D(
            channels[0], channels[1], (sizes[0], sizes[1]), rng=rng, dtype="float64", **options
        )
        try:
            layer.output_shape((*shape[1:], channels[0]))
        except ShapeError:
            continue
        return layer, (*shape, channels[0])


def leaf(array: Array, order: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(array.transpose(order).copy()).requires_grad_()


def assert_same(ours: Array, theirs: torch.Tensor | None, order: tuple[int, ...]) -> None:
    assert theirs is not None
    expected = theirs.detach().numpy().transpose(order)
    np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-12)


# PyTorch warns that it copies the images there; the numbers are the same.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("seed", range(80))
def test_convolution_is_pytorch_s(seed: int) -> None:
    layer, shape = drawn(seed)
    rng = np.random.default_rng(seed)
    if layer.bias is not None:
        layer.bias[...] = rng.standard_normal(layer.bias.shape)
    values = rng.standard_normal(shape)
    x, weight = leaf(values, (0, 3, 1, 2)), leaf(layer.weight, (3, 2, 0, 1))
    bias = None if layer.bias is None else leaf(layer.bias, (0,))
    expected = functional.conv2d(x, weight, bias, layer.stride, layer.padding)
    y, cache = layer.forward(values, training=True)
    dy = rng.standard_normal(y.shape)
    torch.autograd.backward(expected, torch.from_numpy(dy.transpose(0, 3, 1, 2).copy()))
    dx, gradients = layer.backward(dy, cache)
    assert_same(y, expected, (0, 2, 3, 1))
    assert_same(dx, x.grad, (0, 2, 3, 1))
    assert_same(gradients["weight"], weight.grad, (2, 3, 1, 0))
    if bias is not None:
        assert_same(gradients["bias"], bias.grad, (0,))


@pytest.mark.parametrize("size", [1, 5, 6, 7, 11])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
def test_same_with_a_stride_pads_as_tensorflow_does(
    kernel_size: int, stride: int, size: int
) -> None:
    """Its published rule: ceil(size / stride) windows; the odd padding goes to the end."""
    total = max(0, (-(-size // stride) - 1) * stride + kernel_size - size)
    before, after = total // 2, total - total // 2
    layer = Conv2D(2, 3, kernel_size, stride=stride, rng=np.random.default_rng(0), dtype="float64")
    values = np.random.default_rng(1).standard_normal((2, size, size, 2))
    padded = functional.pad(leaf(values, (0, 3, 1, 2)), (before, after, before, after))
    weight = leaf(layer.weight, (3, 2, 0, 1))
    y, _ = layer.forward(values, training=True)
    assert_same(y, functional.conv2d(padded, weight, stride=stride), (0, 2, 3, 1))
