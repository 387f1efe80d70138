"""PyTorch in float64: dense, activations, dropout, losses."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from normlab.layers import Dense, Dropout, ReLU, Sigmoid, Tanh
from normlab.training import SoftmaxCrossEntropy, SquaredError

Array = NDArray[Any]


def draw(*shape: int, seed: int = 1) -> Array:
    return 2 * np.random.default_rng(seed).standard_normal(shape)


def assert_same(ours: Any, theirs: torch.Tensor | None) -> None:
    assert theirs is not None
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


def leaf(array: Array) -> torch.Tensor:
    return torch.from_numpy(array.copy()).requires_grad_()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (7, 5, 3), (40, 100, 30)])
def test_dense_is_pytorch_s_linear(sizes: tuple[int, int, int], bias: bool) -> None:
    n, n_inputs, n_outputs = sizes
    layer = Dense(n_inputs, n_outputs, rng=np.random.default_rng(0), bias=bias, dtype="float64")
    if layer.bias is not None:
        layer.bias[...] = draw(n_outputs)
    x, weight = leaf(draw(n, n_inputs)), leaf(layer.weight.T)
    shift = None if layer.bias is None else leaf(layer.bias)
    expected, dy = functional.linear(x, weight, shift), draw(n, n_outputs, seed=2)
    torch.autograd.backward(expected, torch.from_numpy(dy))
    y, cache = layer.forward(x.detach().numpy(), training=True)
    dx, gradients = layer.backward(dy, cache)
    assert_same(y, expected)
    assert_same(dx, x.grad)
    assert_same(gradients["weight"].T, weight.grad)
    if shift is not None:
        assert_same(gradients["bias"], shift.grad)


@pytest.mark.parametrize(
    ("layer", "function"), [(ReLU(), torch.relu), (Sigmoid(), torch.sigmoid), (Tanh(), torch.tanh)]
)
@pytest.mark.parametrize("shape", [(7,), (6, 5), (3, 4, 5, 2)])
def test_activations_are_pytorch_s(layer: Any, function: Any, shape: tuple[int, ...]) -> None:
    x, dy = leaf(draw(*shape)), draw(*shape, seed=2)
    expected = function(x)
    torch.autograd.backward(expected, torch.from_numpy(dy))
    y, cache = layer.forward(x.detach().numpy(), training=True)
    assert_same(y, expected)
    assert_same(layer.backward(dy, cache)[0], x.grad)


def test_relu_at_zero_and_nan_is_pytorch_s() -> None:
    x = leaf(np.array([-0.0, 0.0, np.nan, np.inf, -np.inf]))
    expected = torch.relu(x)
    torch.autograd.backward(expected, torch.arange(1.0, 6.0, dtype=torch.float64))
    y, cache = ReLU().forward(x.detach().numpy(), training=True)
    dx, _ = ReLU().backward(np.arange(1.0, 6.0), cache)
    assert_same(y, expected)
    # At NaN PyTorch passes no gradient; here it passes, so that nothing hides it.
    assert x.grad is not None
    np.testing.assert_array_equal(np.delete(dx, 2), np.delete(x.grad.numpy(), 2))


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_scales_what_it_keeps_as_pytorch_does(rate: float) -> None:
    """The masks are other draws; given the mask, the kept values are the same."""
    x = draw(100, 50)
    torch.manual_seed(0)
    theirs = functional.dropout(torch.from_numpy(x), rate).numpy()
    ours, _ = Dropout(rate, rng=np.random.default_rng(0)).forward(x, training=True)
    kept = (ours != 0) & (theirs != 0)
    assert kept.mean() == pytest.approx((1 - rate) ** 2, abs=0.02)
    np.testing.assert_allclose(ours[kept], theirs[kept], rtol=1e-14)


@pytest.mark.parametrize("shape", [(1, 2), (9, 10), (100, 3)])
def test_cross_entropy_of_indices_is_pytorch_s(shape: tuple[int, int]) -> None:
    y, labels = leaf(draw(*shape)), np.random.default_rng(2).integers(shape[1], size=shape[0])
    expected = functional.cross_entropy(y, torch.from_numpy(labels))
    torch.autograd.backward(expected)
    value, dy = SoftmaxCrossEntropy()(y.detach().numpy(), labels)
    assert_same(value, expected)
    assert_same(dy, y.grad)


@pytest.mark.parametrize("shape", [(1, 2), (9, 10), (100, 3)])
def test_cross_entropy_of_soft_targets_is_pytorch_s(shape: tuple[int, int]) -> None:
    y, target = leaf(draw(*shape)), np.random.default_rng(2).dirichlet(np.ones(shape[1]), shape[0])
    expected = functional.cross_entropy(y, torch.from_numpy(target))
    torch.autograd.backward(expected)
    value, dy = SoftmaxCrossEntropy()(y.detach().numpy(), target)
    assert_same(value, expected)
    assert_same(dy, y.grad)


def test_squared_error_is_half_of_pytorch_s_sum_a_row() -> None:
    y, target = leaf(draw(9, 4)), draw(9, 4, seed=2)
    expected = functional.mse_loss(y, torch.from_numpy(target), reduction="sum") / (2 * 9)
    torch.autograd.backward(expected)
    value, dy = SquaredError()(y.detach().numpy(), target)
    assert_same(value, expected)
    assert_same(dy, y.grad)
