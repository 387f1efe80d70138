"""The sweep's peer in JAX, float32: a whole training is one compiled program.

A step is differentiated and scanned over the batches, and that over the records. Both programs,
with normalization and without, are compiled before the first training.
"""

from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from normlab.data import Dataset

Layer = dict[str, Any]  # the parameters of a dense layer, and of the normalization after it

EPS, DECAY, LEARNING_RATE = 1e-6, 0.9, 0.01


class Moments(NamedTuple):
    """What a layer is normalized with."""

    mean: Any
    var: Any


class State(NamedTuple):
    """What a step changes."""

    layers: list[Layer]
    running: list[Moments]


class Images(NamedTuple):
    """What all batches are drawn from."""

    x: Any
    labels: Any


class JaxTrainer:
    """Trains on the same batches, over and over, from other weights.

    One training a program: ``vmap`` over four scales took as long, 2.1 s against 2.2 s.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        data: Dataset,
        batches: list[NDArray[np.integer[Any]]],
        recorded: range,
    ) -> None:
        self.inputs = (
            Images(jnp.asarray(data.x_train), jnp.asarray(data.y_train)),
            jnp.asarray(np.array(batches)),
        )
        self.seconds: dict[bool, float] = {}  # that compiling took
        self.programs: dict[bool, Any] = {}
        program = jax.jit(partial(_train, first=recorded.start, between=recorded.step))
        weights = [np.zeros(shape) for shape in pairwise(sizes)]
        for normalized in (True, False):
            start = perf_counter()
            lowered = program.lower(_initial(weights, normalized), *self.inputs)
            self.programs[normalized] = lowered.compile()
            self.seconds[normalized] = perf_counter() - start

    def train(self, weights: list[NDArray[np.float64]], normalized: bool) -> list[float]:
        """Return the accuracy on all images at the recorded steps."""
        accuracies = self.programs[normalized](_initial(weights, normalized), *self.inputs)
        return [float(accuracy) for accuracy in np.asarray(accuracies)]


def _initial(weights: list[NDArray[np.float64]], normalized: bool) -> State:
    """Return a network with these weights; what is normalized has no bias."""
    layers: list[Layer] = []
    running: list[Moments] = []
    for i, weight in enumerate(weights):
        zeros = np.zeros(weight.shape[1], np.float32)
        layer = {"weight": weight.astype(np.float32)}
        if normalized and i < len(weights) - 1:
            layers.append(layer | {"gamma": np.ones_like(zeros), "beta": zeros})
            running.append(Moments(zeros, zeros))
        else:
            layers.append(layer | {"bias": zeros})
    return State(layers, running)


def _train(state: State, images: Images, batches: Any, *, first: int, between: int) -> Any:
    """Return the accuracies after the first steps, and then each time after those between."""

    def step(state: State, rows: Any) -> tuple[State, None]:
        return _step(state, images.x[rows], images.labels[rows]), None

    def steps(state: State, batches: Any) -> tuple[State, Any]:
        state, _ = lax.scan(step, state, batches)
        return state, _accuracy(state, images)

    state, accuracy = steps(state, batches[:first])
    rest = batches[first:].reshape(-1, between, batches.shape[1])
    _, accuracies = lax.scan(steps, state, rest)
    return jnp.concatenate([accuracy[None], accuracies])


def _step(state: State, x: Any, labels: Any) -> State:
    """Take a step of SGD, and move the running statistics towards the batch."""
    gradients, batch = jax.grad(_loss, has_aux=True)(state.layers, x, labels)
    return State(
        jax.tree.map(lambda value, d: value - LEARNING_RATE * d, state.layers, gradients),
        jax.tree.map(lambda old, new: DECAY * old + (1 - DECAY) * new, state.running, batch),
    )


def _loss(layers: list[Layer], x: Any, labels: Any) -> tuple[Any, list[Moments]]:
    y, batch = _forward(layers, x)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(y), labels[:, None], axis=1)
    return -chosen.mean(), batch


def _accuracy(state: State, images: Images) -> Any:
    y, _ = _forward(state.layers, images.x, state.running)
    return (y.argmax(axis=1) == images.labels).mean()


def _forward(
    layers: list[Layer], x: Any, running: list[Moments] | None = None
) -> tuple[Any, list[Moments]]:
    """Return the logits, and the moments: the running ones, or without them those of ``x``."""
    used: list[Moments] = []
    for i, layer in enumerate(layers):
        if i > 0:
            x = jax.nn.relu(x)
        x = x @ layer["weight"]
        if "bias" in layer:
            x = x + layer["bias"]
        else:
            used.append(running[i] if running else Moments(x.mean(axis=0), x.var(axis=0)))
            mean, var = used[-1]
            x = layer["gamma"] * (x - mean) * lax.rsqrt(var + EPS) + layer["beta"]
    return x, used
