"""Optimizers: ``step(parameters, gradients)`` writes the new parameters in place.

The formulas stand in ``kernels.updates``; p is a parameter, g its gradient, lr the learning rate.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import is_
from typing import ClassVar

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import OptimizerError
from normlab.kernels import updates
from normlab.training.parameter_groups import Group, by_dtype, check_step

SMALLEST_EPS = 1.2e-38
"""The smallest that float32 holds with all its digits; 0 would divide 0 by 0."""


class Optimizer(ABC):
    """The contract of an optimizer.

    State belongs to the optimizer and is bound to the arrays of its first ``step``: taking a step
    with those of a second network raises ``OptimizerError``. ``learning_rate`` may be changed
    between steps.

    Parameters
    ----------
    learning_rate
        Step size, > 0.
    """

    n_slots: ClassVar[int] = 0
    """Arrays of state a parameter."""

    _kernel: ClassVar[Callable[..., None]]

    def __init__(self, learning_rate: float = 0.01) -> None:
        self.learning_rate = learning_rate
        self.n_steps = 0
        self._bound: Parameters = {}
        self._groups: list[Group] = []

    @property
    def learning_rate(self) -> float:
        """The step size."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = _checks.real("learning_rate", value, above=0)

    def step(self, parameters: Parameters, gradients: Gradients) -> None:
        """Take one step.

        Parameters
        ----------
        parameters
            Arrays by name; they are written in place.
        gradients
            The gradient of each, under the same names, in the same shapes.

        Raises
        ------
        OptimizerError
            Where the arrays are not those of the first step.
        ArgumentError, ShapeError
            Where names or shapes differ.
        """
        check_step(parameters, gradients)
        self._bind(parameters)
        numbers = self._next_numbers()
        for group in self._groups:
            group.update(self._kernel, numbers, gradients)

    def compiled_for(self, parameters: Parameters, gradients: Gradients) -> updates.CompiledStep:
        """Return the step for compiled code, between these arrays of one dtype.

        They must be kept alive by who calls it.
        """
        self._bind(parameters)
        (group,) = self._groups
        code = updates.code_of_step(self._kernel, group.dtype)
        return updates.CompiledStep(code, group.table_of(gradients), group.state)

    def numbers(self, n: int) -> FloatArray:
        """Return what compiled code takes the next n steps with, a row each; they are counted."""
        (group,) = self._groups
        return np.array([self._next_numbers() for _ in range(n)], group.dtype)

    def _next_numbers(self) -> tuple[float, ...]:
        self.n_steps += 1
        return self._numbers()

    @abstractmethod
    def _numbers(self) -> tuple[float, ...]:
        """Return the numbers that the kernel takes step ``n_steps`` with."""

    def _bind(self, parameters: Parameters) -> None:
        if not self._bound:
            self._bound = dict(parameters)
            self._groups = [Group(own, self.n_slots) for own in by_dtype(parameters)]
        same = map(is_, map(self._bound.get, parameters), parameters.values())
        if len(parameters) != len(self._bound) or not all(same):
            raise OptimizerError(
                "parameters must be the arrays of this optimizer's first step, got others. Its"
                " state belongs to one network: make an optimizer for each, and set weights by"
                " writing into their arrays."
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(learning_rate={self.learning_rate:g})"


class SGD(Optimizer):
    """Stochastic gradient descent: ``p -= lr g``.

    Default ``learning_rate`` 0.01. Source: Robbins & Monro (1951).

    Examples
    --------
    >>> import numpy as np
    >>> parameters = {"w": np.array([1.0, 2.0])}
    >>> SGD(learning_rate=0.5).step(parameters, {"w": np.array([1.0, 1.0])})
    >>> parameters["w"]
    array([0.5, 1.5])
    """

    _kernel = staticmethod(updates.sgd)

    def _numbers(self) -> tuple[float, ...]:
        return (self.learning_rate,)


class Momentum(Optimizer):
    """SGD with momentum: ``v = mu v - lr g``, ``p += v``.

    ``momentum`` mu, 0 <= mu < 1, default 0.9. Source: Polyak (1964); Sutskever et al. (2013),
    eq. 1-2.
    """

    n_slots = 1
    _kernel = staticmethod(updates.momentum)

    def __init__(self, learning_rate: float = 0.01, *, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = _checks.real("momentum", momentum, at_least=0, below=1)

    def _numbers(self) -> tuple[float, ...]:
        return self.learning_rate, self.momentum


class Nesterov(Momentum):
    """Nesterov's momentum: ``v = mu v - lr g``, ``p += mu v - lr g``.

    ``momentum`` mu, 0 <= mu < 1, default 0.9. Source: Nesterov (1983), in the form of Sutskever
    et al. (2013), eq. 3-4, with the parameters kept at the point where the gradient is taken.
    """

    _kernel = staticmethod(updates.nesterov)


class AdaGrad(Optimizer):
    """AdaGrad: ``h += g^2``, ``p -= lr g / (sqrt(h) + eps)``.

    Default ``eps`` 1e-10. Source: Duchi, Hazan & Singer (2011), figure 1, diagonal.
    """

    n_slots = 1
    _kernel = staticmethod(updates.adagrad)

    def __init__(self, learning_rate: float = 0.01, *, eps: float = 1e-10) -> None:
        super().__init__(learning_rate)
        self.eps = _checks.real("eps", eps, at_least=SMALLEST_EPS)

    def _numbers(self) -> tuple[float, ...]:
        return self.learning_rate, self.eps


class RMSProp(Optimizer):
    """RMSProp: ``h = rho h + (1 - rho) g^2``, ``p -= lr g / (sqrt(h) + eps)``.

    ``rho``, 0 <= rho < 1, default 0.9 (PyTorch's alpha, 0.99 there); ``eps`` default 1e-8.
    Source: Tieleman & Hinton (2012), lecture 6e.
    """

    n_slots = 1
    _kernel = staticmethod(updates.rmsprop)

    def __init__(self, learning_rate: float = 0.01, *, rho: float = 0.9, eps: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.rho = _checks.real("rho", rho, at_least=0, below=1)
        self.eps = _checks.real("eps", eps, at_least=SMALLEST_EPS)

    def _numbers(self) -> tuple[float, ...]:
        return self.learning_rate, 1 - self.rho, self.eps


class Adam(Optimizer):
    """Adam, at its t-th step.

    ::

        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        p -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)

    Defaults: ``learning_rate`` 0.001, ``beta1`` 0.9, ``beta2`` 0.999, ``eps`` 1e-8. Source:
    Kingma & Ba (2015), Algorithm 1.
    """

    n_slots = 2
    _kernel = staticmethod(updates.adam)

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1 = _checks.real("beta1", beta1, at_least=0, below=1)
        self.beta2 = _checks.real("beta2", beta2, at_least=0, below=1)
        self.eps = _checks.real("eps", eps, at_least=SMALLEST_EPS)

    def _numbers(self) -> tuple[float, ...]:
        step_size = self.learning_rate / (1 - self.beta1**self.n_steps)
        v_scale = 1 / (1 - self.beta2**self.n_steps)
        kept = 1.0  # of a weight: nothing decays
        return step_size, 1 - self.beta1, 1 - self.beta2, v_scale, self.eps, kept


class AdamW(Adam):
    """Adam with decoupled weight decay: ``p -= lr weight_decay p`` for weights, then Adam's step.

    ``weight_decay``, >= 0, default 0.01; it applies to parameters named ``weight`` only, not to
    biases, gamma and beta. Source: Loshchilov & Hutter (2019), Algorithm 2, with the schedule
    multiplier equal to the learning rate as in PyTorch.
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, beta1=beta1, beta2=beta2, eps=eps)
        self.weight_decay = _checks.real("weight_decay", weight_decay, at_least=0)

    def _numbers(self) -> tuple[float, ...]:
        *rates, _ = super()._numbers()
        return *rates, 1 - self.learning_rate * self.weight_decay
