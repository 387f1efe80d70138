"""What a multi-layer network is made of, as plain data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from normlab import _checks
from normlab.layers.conventions import CONVENTIONS, ConventionName
from normlab.layers.initializers import WeightInit, weight_std

ACTIVATIONS = ("relu", "sigmoid", "tanh")


@dataclass(frozen=True, kw_only=True)
class MLPSpec:
    """A multi-layer perceptron; ``dataclasses.asdict`` of it is JSON-able.

    Each hidden layer is dense, then (in this order) normalization and activation, or with
    ``placement="after"`` activation and normalization, then dropout. The last layer is dense
    alone, and gives one output a class.

    Parameters
    ----------
    sizes
        Inputs, hidden units of each layer, outputs: ``(784, 100, 100, 10)``.
    activation
        ``"relu"`` (default), ``"sigmoid"`` or ``"tanh"``.
    normalization
        ``"none"`` (default) or ``"batch"``.
    placement
        Of the normalization: ``"before"`` (default) or ``"after"`` the activation.
    convention
        Of the batch normalization, see ``BatchNorm``.
    scale, shift
        Whether the batch normalization has a gamma, a beta. Default True.
    dropout
        Rate of dropout after each hidden layer, 0 <= rate < 1. Default 0: none.
    weight_init
        ``"he"`` (default), ``"xavier"``, ``"lecun"``, or a standard deviation.
    bias_before_normalization
        Whether a dense layer right before its normalization keeps a bias, which then has no
        effect. Default False.
    dtype
        ``"float32"`` (default) or ``"float64"``.
    """

    sizes: tuple[int, ...]
    activation: Literal["relu", "sigmoid", "tanh"] = "relu"
    normalization: Literal["none", "batch"] = "none"
    placement: Literal["before", "after"] = "before"
    convention: ConventionName = "paper"
    scale: bool = True
    shift: bool = True
    dropout: float = 0.0
    weight_init: WeightInit = "he"
    bias_before_normalization: bool = False
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        _checks.instance("sizes", self.sizes, Iterable, "For example (784, 100, 10).")
        sizes = tuple(
            _checks.integer(f"sizes[{i}]", size, at_least=1) for i, size in enumerate(self.sizes)
        )
        _checks.require(len(sizes) >= 2, "sizes", "name at least the inputs and the outputs", sizes)
        _checks.one_of("activation", self.activation, ACTIVATIONS)
        _checks.one_of("normalization", self.normalization, ("none", "batch"))
        _checks.one_of("placement", self.placement, ("before", "after"))
        _checks.one_of("convention", self.convention, CONVENTIONS)
        _checks.boolean("scale", self.scale)
        _checks.boolean("shift", self.shift)
        weight_init = self.weight_init
        std = weight_std(weight_init, 1, 1)
        _checks.boolean("bias_before_normalization", self.bias_before_normalization)
        _checks.one_of("dtype", self.dtype, ("float32", "float64"))
        plain = {
            "sizes": sizes,
            "dropout": _checks.real("dropout", self.dropout, at_least=0, below=1),
            "weight_init": weight_init if isinstance(weight_init, str) else std,
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)  # Python's own numbers, which JSON takes
