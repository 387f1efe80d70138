"""Gradient checks for anything with the contract of a layer: one layer, or a whole network.

Two checks of a backward pass against central differences of the forward pass:

- ``directional``: along one random direction of the input and of each parameter; two forward
  passes an array, whatever its size. With a random upstream gradient u and a direction v it
  compares ``<u, J v>`` (differences) with ``<J^T u, v>`` (backward).
- ``elementwise``: every element by itself; slow, and names what is wrong.

The upstream gradient is random unless a loss gives it, never ones: sum(y) of a batch
normalization does not depend on its input, so with ones its true dx is 0 everywhere and any
formula that vanishes there passes.

Everything runs on copies: the layer, its statistics and its generators stay as they are. Inputs
and parameters must be float64; in float32 a difference quotient has three digits at best.
"""

import copy
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import ArgumentError

Loss = Callable[[FloatArray, Any], tuple[float, FloatArray]]


class Differentiable(Protocol):
    """The part of the contract that a gradient check needs."""

    @property
    def parameters(self) -> Parameters:
        """Arrays by name."""

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, Any]:
        """Return output and cache."""

    def backward(self, dy: FloatArray, cache: Any) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients by name."""


def directional(
    model: Differentiable,
    x: FloatArray,
    *,
    rng: np.random.Generator,
    training: bool = True,
    loss: Loss | None = None,
    target: Any = None,
    step: float = 1e-6,
) -> float:
    """Return the largest relative error of the derivatives along random directions.

    For the input and each parameter z, with gradient g by ``backward`` and a random direction v
    of the magnitude of z::

        a = (f(z + h v) - f(z - h v)) / 2h        b = <g, v>
        error = |a - b| / max(|a|, |b|)

    where h is the ``step``, and f is ``<u, y>`` with a random u, or ``loss(y, target)``. v is
    normal, plus three times the unit vector along g: a direction across g would tell nothing of
    it. A right backward pass of a smooth function gives about 1e-8; a wrong one 1e-3 or more.
    Where a and b are 0 up to the rounding of f, the error is 0.

    Parameters
    ----------
    model
        A layer or a network with float64 parameters; left unchanged.
    x
        Input, float64.
    rng
        Generator of u and v.
    training
        Mode of the forward pass.
    loss, target
        ``loss(y, target) -> (value, dy)`` in the place of ``<u, y>``.
    step
        h, > 0.

    Raises
    ------
    ArgumentError, ShapeError
        Where x or a parameter is not float64, or ``backward`` does not give one gradient of the
        right shape for each parameter.
    """
    scalar = _Scalar(model, x, rng, training, loss, target)
    step = _checks.real("step", step, above=0)
    errors = [0.0]
    for name, gradient in scalar.gradients().items():
        v = scalar.magnitude(name) * _direction(gradient, rng)
        difference = scalar.value({name: step * v}) - scalar.value({name: -step * v})
        numeric, predicted = difference / (2 * step), float(np.vdot(gradient, v))
        errors.append(_relative_error(numeric, predicted, scalar.rounding / step))
    return float(np.max(errors))  # NaN where one is NaN


def elementwise(
    model: Differentiable,
    x: FloatArray,
    *,
    rng: np.random.Generator,
    training: bool = True,
    loss: Loss | None = None,
    target: Any = None,
    step: float = 1e-6,
) -> dict[str, float]:
    """Return, for the input ``"x"`` and each parameter, the error of its gradient.

    The error of an array is ``|a - b| / max(|a|, |b|)`` with Euclidean norms over its elements,
    a by central differences with a step relative to the magnitude of the array, b by ``backward``.
    The rest is as in ``directional``; it takes two forward passes an element.
    """
    scalar = _Scalar(model, x, rng, training, loss, target)
    step = _checks.real("step", step, above=0)
    errors = {}
    for name, gradient in scalar.gradients().items():
        numeric, h = np.empty(gradient.shape), step * scalar.magnitude(name)
        for index in np.ndindex(gradient.shape):
            nudge = np.zeros(gradient.shape)
            nudge[index] = h
            difference = scalar.value({name: nudge}) - scalar.value({name: -nudge})
            numeric[index] = difference / (2 * h)
        noise = scalar.rounding / h * gradient.size**0.5
        errors[name] = _relative_error(numeric, gradient, noise)
    return errors


class _Scalar:
    """A scalar function of the input and the parameters of a model."""

    def __init__(
        self,
        model: Differentiable,
        x: FloatArray,
        rng: np.random.Generator,
        training: bool,
        loss: Loss | None,
        target: Any,
    ) -> None:
        for name, array in {"x": x, **model.parameters}.items():
            dtype = getattr(array, "dtype", type(array).__name__)
            _checks.require(dtype == np.float64, name, "be float64 for a gradient check", dtype)
        # A copy before anything is drawn: rng may be a generator of the model's.
        self.model, self.x, self.training = copy.deepcopy(model), x, training
        self.loss, self.target = loss, target
        y, _ = copy.deepcopy(self.model).forward(x.copy(), training=training)
        self.upstream = _checks.generator("rng", rng).standard_normal(y.shape)
        value, dy = (0.0, self.upstream) if loss is None else loss(y, target)
        size = abs(value) + float(np.linalg.norm(dy) * np.linalg.norm(y))
        self.rounding = 4 * float(np.finfo(np.float64).eps) * size  # of f

    def value(self, nudges: dict[str, FloatArray]) -> float:
        """Return f after adding ``nudges``; a fresh copy draws the same dropout masks again."""
        model = copy.deepcopy(self.model)
        for name, array in model.parameters.items():
            array += nudges.get(name, 0.0)
        y, _ = model.forward(self.x + nudges.get("x", 0.0), training=self.training)
        if self.loss is None:
            return float(np.vdot(self.upstream, y))
        return self.loss(y, self.target)[0]

    def magnitude(self, name: str) -> float:
        """Return how far the elements of the input or a parameter spread, else how large they are.

        A step has to be small against the one, and not lost in the rounding of the other.
        """
        array = self.x if name == "x" else self.model.parameters[name]
        if array.size == 0:
            return 1.0
        spread, largest = float(array.std()), float(np.abs(array).max())
        return (spread if spread > 1e-7 * largest else largest) or 1.0

    def gradients(self) -> Gradients:
        """Return the gradient of f by ``backward``, for ``"x"`` and each parameter."""
        model = copy.deepcopy(self.model)
        y, cache = model.forward(self.x.copy(), training=self.training)
        dy = self.upstream if self.loss is None else self.loss(y, self.target)[1]
        dx, gradients = model.backward(dy, cache)
        if gradients.keys() != model.parameters.keys():
            odd = sorted(gradients.keys() ^ model.parameters.keys())
            raise ArgumentError(f"gradients must name each parameter, got a difference in {odd}.")
        for name, p in model.parameters.items():
            _checks.same_shape(f"gradients[{name!r}]", gradients[name].shape, p.shape)
        _checks.same_shape("dx", dx.shape, self.x.shape)
        return {"x": dx, **gradients}


def _direction(gradient: FloatArray, rng: np.random.Generator) -> FloatArray:
    v = rng.standard_normal(gradient.shape)
    length = float(np.linalg.norm(gradient))
    if 0 < length < np.inf:
        along = gradient / length
        v = v + 3 * np.copysign(1, np.vdot(v, along)) * along
    return v


def _relative_error(a: Any, b: Any, noise: float) -> float:
    size = float(np.maximum(np.linalg.norm(a), np.linalg.norm(b)))  # NaN where one is NaN
    return 0.0 if size <= noise else float(np.linalg.norm(np.subtract(a, b))) / size
