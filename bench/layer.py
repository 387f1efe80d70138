"""Layers other than normalization, alone, forward and backward, against PyTorch's, float32.

Backward gives the gradients of input and parameters, through autograd in PyTorch. PyTorch gets
images in its own two layouts, of which the better is the one to compare with. Outputs and input
gradients are compared before anything is timed, but those of dropout, whose masks differ.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.timing import HAS_TORCH, Contender, Result, compare, keep_freed_memory
from normlab import layers
from normlab.layers import Layer
from normlab.training import SoftmaxCrossEntropy

IMAGES = (50, 28, 28, 32)
LOSSES = ((100, 10), (100, 1000))
"""Rows and classes of the softmax cross-entropy."""

CORES = (1, 2)
BURST = 0.03
TOLERANCE = 1e-4
"""How far apart outputs and input gradients are, relative to the largest."""

Array = NDArray[Any]
Way: TypeAlias = Callable[[], tuple[Any, Any]]
"""Computes what is compared: output and input gradient, or value and gradient of a loss."""


class Job(NamedTuple):
    """What is timed."""

    layer: Layer[Any]
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.layer!r}, forward + backward {self.shape}"


class Given(NamedTuple):
    """What a layer is given: both arrays have their features last."""

    x: Array
    dy: Array


def jobs() -> list[Job]:
    """Return all, each with a layer of its own."""
    draw: dict[str, Any] = {"rng": np.random.default_rng(0)}
    return [
        Job(layers.Dense(100, 100, **draw), (100, 100)),
        Job(layers.Dense(1000, 1000, **draw), (100, 1000)),
        Job(layers.Conv2D(3, 64, 3, **draw), (8, 32, 32, 3)),
        Job(layers.Conv2D(16, 32, 5, **draw), (50, 14, 14, 16)),
        Job(layers.ReLU(), IMAGES),
        Job(layers.Sigmoid(), IMAGES),
        Job(layers.Tanh(), IMAGES),
        Job(layers.Dropout(0.5, **draw), IMAGES),
        Job(layers.MaxPool2D(2), IMAGES),
        Job(layers.AveragePool2D(2), IMAGES),
        Job(layers.GlobalAveragePool(), IMAGES),
    ]


def run(quick: bool) -> list[Result]:
    """Time all layers, and the loss."""
    keep_freed_memory()
    timed = partial(compare, rounds=2 if quick else 9, burst=BURST)
    results = []
    for job in jobs()[:1] if quick else jobs():
        results += timed(str(job), _contenders(job))
    for n, n_classes in LOSSES[:1] if quick else LOSSES:
        results += timed(loss_job(n, n_classes), _losses(n, n_classes))
    return results


def loss_job(n: int, n_classes: int) -> str:
    """Return the job of the loss's results."""
    return f"SoftmaxCrossEntropy(), value and gradient ({n}, {n_classes})"


def _contenders(job: Job) -> list[Contender]:
    rng = np.random.default_rng(1)
    shape = (job.shape[0], *job.layer.output_shape(job.shape[1:]))
    given = Given(*(rng.standard_normal(s, dtype=np.float32) for s in (job.shape, shape)))
    ways: dict[str, Way] = {"normlab": partial(forward_backward, job.layer, given)}
    if HAS_TORCH:
        from bench import torch_layers

        ways |= torch_layers.steps(job.layer, given)
    if not isinstance(job.layer, layers.Dropout):
        _compare(str(job), [way() for way in ways.values()])
    return _on_each(ways)


def _on_each(ways: dict[str, Way]) -> list[Contender]:
    return [Contender(name, cores, _silent(way)) for cores in CORES for name, way in ways.items()]


def _silent(way: Way) -> Callable[[], str]:
    def run() -> str:
        way()
        return ""

    return run


def forward_backward(layer: Layer[Any], given: Given) -> tuple[Array, Array]:
    """Return the output and the gradient of the input."""
    y, cache = layer.forward(given.x, training=True)
    dx, _ = layer.backward(given.dy, cache)
    return y, dx


def _losses(n: int, n_classes: int) -> list[Contender]:
    rng = np.random.default_rng(1)
    y, target = rng.standard_normal((n, n_classes), np.float32), rng.integers(n_classes, size=n)
    ways: dict[str, Way] = {"normlab": partial(SoftmaxCrossEntropy(), y, target)}
    if HAS_TORCH:
        from bench import torch_layers

        ways["PyTorch"] = partial(torch_layers.cross_entropy, *torch_layers.tensors(y, target))
    _compare(loss_job(n, n_classes), [way() for way in ways.values()])
    return _on_each(ways)


def _compare(job: str, found: Sequence[tuple[Any, Any]]) -> None:
    """Raise where contenders have not computed the same."""
    expected = found[0]
    for pair in found[1:]:
        for own, theirs in zip(expected, pair, strict=True):
            if np.abs(own - np.asarray(theirs)).max() > TOLERANCE * np.abs(own).max():
                raise RuntimeError(f"{job}: normlab and PyTorch must compute the same.")
