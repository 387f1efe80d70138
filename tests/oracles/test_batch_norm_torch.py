"""PyTorch in float64: forward, backward, running statistics of batch normalization."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from normlab.kernels.threads import WAKE
from normlab.layers import BatchNorm

Array = NDArray[Any]
Modules = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}
Modules |= {5: torch.nn.BatchNorm3d}

RNG = np.random.default_rng(0)
SHAPES = [
    (int(RNG.integers(2, 9)), *map(int, RNG.integers(1, 7, rank - 1))) for rank in [2, 3, 4, 5] * 6
]
SHAPES += [(300, 40), (64, 3, 20, 21)]  # several blocks; enough elements for threads below

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
both_axes = pytest.mark.parametrize("axis", [1, -1])


class Pair:
    """A normlab layer and a PyTorch module with the same parameters, and one input for both.

    PyTorch's channels stand on axis 1; with ``axis=-1`` normlab sees the array with them last.
    """

    def __init__(self, shape: tuple[int, ...], axis: int, **options: Any) -> None:
        rng = np.random.default_rng(sum(shape))
        self.axis, self.n_features = axis, shape[1]
        self.x, self.dy = 3 * rng.standard_normal(shape) + 5, rng.standard_normal(shape)
        self.layer = BatchNorm(shape[1], axis=axis, dtype="float64", **options)
        decay = self.layer.decay
        self.module = Modules[len(shape)](
            shape[1],
            eps=self.layer.eps,
            momentum=None if decay is None else 1 - decay,
            affine=bool(self.layer.parameters),
            dtype=torch.float64,
        )
        twins = {"gamma": self.module.weight, "beta": self.module.bias}
        for name, array in self.layer.parameters.items():
            array[...] = rng.uniform(0.5, 2, shape[1])
            twins[name].data = torch.from_numpy(array.copy())

    def forward(self, training: bool, scale: float = 1.0) -> tuple[Array, Any]:
        y, cache = self.layer.forward(self.seen(scale * self.x), training=training)
        return self.unseen(y), cache

    def torch_forward(
        self, training: bool, scale: float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.from_numpy(scale * self.x).requires_grad_()
        return self.module.train(training)(x), x

    def seen(self, array: Array) -> Array:
        return array if self.axis == 1 else np.moveaxis(array, 1, -1)

    def unseen(self, array: Array) -> Array:
        return array if self.axis == 1 else np.moveaxis(array, -1, 1)

    def update(self, scale: float = 1.0) -> None:
        self.layer.update_statistics(self.forward(True, scale)[1])
        self.torch_forward(True, scale)


def assert_same(ours: Array, theirs: torch.Tensor | None, atol: float = 1e-11) -> None:
    assert theirs is not None
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-11, atol=atol)


def assert_backward_is_the_same(pair: Pair, training: bool) -> None:
    _, cache = pair.forward(training)
    dx, gradients = pair.layer.backward(pair.seen(pair.dy), cache)
    y, x = pair.torch_forward(training)
    torch.autograd.backward(y, torch.from_numpy(pair.dy))
    # A batch of two near each other has a large inv_std and a small rest of large terms.
    scale = float(cache.inv_std.max()) ** 2
    assert_same(pair.unseen(dx), x.grad, atol=1e-11 * max(1.0, scale))
    assert_same(gradients["gamma"], pair.module.weight.grad)
    assert_same(gradients["beta"], pair.module.bias.grad)


@both_axes
@every_shape
def test_forward_in_training_is_pytorch_s(shape: tuple[int, ...], axis: int) -> None:
    pair = Pair(shape, axis, convention="pytorch")
    assert_same(pair.forward(True)[0], pair.torch_forward(True)[0])


@both_axes
@every_shape
def test_backward_in_training_is_pytorch_s(shape: tuple[int, ...], axis: int) -> None:
    assert_backward_is_the_same(Pair(shape, axis, convention="pytorch"), training=True)


@both_axes
@every_shape
def test_forward_and_backward_in_evaluation_are_pytorch_s(
    shape: tuple[int, ...], axis: int
) -> None:
    pair = Pair(shape, axis, convention="pytorch")
    pair.update()
    assert_same(pair.forward(False)[0], pair.torch_forward(False)[0])
    assert_backward_is_the_same(pair, training=False)


@pytest.mark.parametrize("decay", ["convention", 0.0, 0.35, 1.0, None])
@every_shape
def test_running_statistics_after_three_updates_are_pytorch_s(
    shape: tuple[int, ...], decay: Any
) -> None:
    pair = Pair(shape, 1, convention="pytorch", decay=decay)
    for scale in (1.0, -2.0, 3.0):
        pair.update(scale)
    assert_same(pair.layer.running_mean, pair.module.running_mean)
    assert_same(pair.layer.running_var, pair.module.running_var)
    assert pair.module.num_batches_tracked is not None
    assert pair.layer.n_updates == pair.module.num_batches_tracked.item()


@pytest.mark.parametrize("convention", ["keras", "onnx", "book"])
@every_shape
def test_conventions_with_a_biased_variance_are_pytorch_composed(
    shape: tuple[int, ...], convention: Any
) -> None:
    """running = decay running + (1 - decay) batch, of torch.var with correction 0."""
    pair = Pair(shape, 1, convention=convention)
    decay, axes = pair.layer.decay, [0, *range(2, len(shape))]
    assert decay is not None
    mean = torch.zeros(shape[1], dtype=torch.float64)
    var = torch.full_like(mean, 0.0 if convention == "book" else 1.0)
    for scale in (1.0, -2.0):
        x = torch.from_numpy(scale * pair.x)
        mean = decay * mean + (1 - decay) * x.mean(axes)
        var = decay * var + (1 - decay) * x.var(axes, correction=0)
        pair.layer.update_statistics(pair.forward(True, scale)[1])
    assert_same(pair.layer.running_mean, mean)
    assert_same(pair.layer.running_var, var)
    expected = functional.batch_norm(
        torch.from_numpy(pair.x),
        mean,
        var,
        pair.module.weight,
        pair.module.bias,
        eps=pair.layer.eps,
    )
    assert_same(pair.forward(False)[0], expected)


@pytest.mark.parametrize("eps", [1e-3, 1e-6])
def test_other_values_of_eps_are_pytorch_s(eps: float) -> None:
    pair = Pair((5, 3), 1, eps=eps)
    assert_same(pair.forward(True)[0], pair.torch_forward(True)[0])
    assert_backward_is_the_same(pair, training=True)


def test_without_scale_and_shift_it_is_pytorch_without_affine() -> None:
    pair = Pair((5, 3, 4), 1, scale=False, shift=False)
    assert_same(pair.forward(True)[0], pair.torch_forward(True)[0])


def test_large_batches_that_wake_the_threads_are_pytorch_s() -> None:
    pair = Pair((64, 3, 105, 105), 1, convention="pytorch")
    assert pair.x.size >= WAKE
    assert_same(pair.forward(True)[0], pair.torch_forward(True)[0])
    assert_backward_is_the_same(pair, training=True)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_in_float32_our_variance_is_nearer_to_the_truth_than_1e_6(offset: float) -> None:
    """PyTorch in float64 says what the variance of these float32 values is."""
    values = torch.randn(4096, 1, generator=torch.Generator().manual_seed(0)) + offset
    layer = BatchNorm(1, convention="pytorch", decay=0)
    layer.update_statistics(layer.forward(values.numpy(), training=True)[1])
    assert_same(layer.running_var, values.double().var(0), atol=1e-6)
