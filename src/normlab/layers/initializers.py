"""Initial weights: by name, or by standard deviation."""

from math import prod, sqrt
from typing import Any, Literal, TypeAlias

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray
from normlab.errors import ArgumentError

InitName: TypeAlias = Literal["he", "xavier", "lecun"]

WeightInit: TypeAlias = InitName | float
"""A name, or the standard deviation of a normal distribution with mean 0."""


def weight_std(weight_init: WeightInit, n_inputs: int, n_outputs: int) -> float:
    """Return the standard deviation of initial weights.

    ==============  ================================  =====================================
    ``weight_init``  standard deviation                source
    ==============  ================================  =====================================
    ``"he"``        sqrt(2 / n_inputs)                He et al. (2015), eq. 10; for ReLU
    ``"xavier"``    sqrt(2 / (n_inputs + n_outputs))  Glorot & Bengio (2010), eq. 12
    ``"lecun"``     sqrt(1 / n_inputs)                LeCun et al. (1998), eq. 16
    a number        that number, >= 0
    ==============  ================================  =====================================

    From-scratch courses often call sqrt(1 / n_inputs) "Xavier"; here that is ``"lecun"``.
    """
    if isinstance(weight_init, str):
        _checks.one_of("weight_init", weight_init, ("he", "xavier", "lecun"))
        fan = {"he": n_inputs / 2, "xavier": (n_inputs + n_outputs) / 2, "lecun": n_inputs}
        return sqrt(1 / fan[weight_init])
    return _checks.real("weight_init", weight_init, at_least=0)


def draw_weight(
    shape: tuple[int, ...],
    weight_init: WeightInit,
    rng: np.random.Generator | None,
    dtype: np.dtype[np.floating[Any]],
    truncated: bool = False,
) -> FloatArray:
    """Return normal weights; the last two axes of ``shape`` count inputs and outputs.

    Axes before them are the cells of a window: an output has the inputs of all cells, and an input
    reaches the outputs of as many windows.

    The standard normal draws are made in float64 and scaled after, so that neither the dtype
    nor the scale changes which draws a network starts from. ``truncated``: draws beyond two are
    made again until none is left, as by TensorFlow's ``truncated_normal``. The scale stays, so
    that the weights deviate by 0.880 of the standard deviation stated.
    """
    *window, n_inputs, n_outputs = shape
    std = weight_std(weight_init, prod(window) * n_inputs, prod(window) * n_outputs)
    if rng is None:
        if std != 0:
            raise ArgumentError(
                "rng must be a numpy.random.Generator to draw initial weights from, got None."
                " Make one with np.random.default_rng(seed)."
            )
        return np.zeros(shape, dtype)
    draws = _checks.generator("rng", rng).standard_normal(shape)
    if _checks.boolean("truncated", truncated):
        _truncate(draws, rng)
    return (std * draws).astype(dtype)


def _truncate(draws: FloatArray, rng: np.random.Generator) -> None:
    """Draw those beyond two again, in place."""
    values = draws.reshape(-1)
    beyond = np.flatnonzero(np.abs(values) > 2)
    while len(beyond):
        values[beyond] = rng.standard_normal(len(beyond))
        beyond = beyond[np.abs(values[beyond]) > 2]
