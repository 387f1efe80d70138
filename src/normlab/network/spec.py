"""What a network is made of, as plain data."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias

from normlab import _checks
from normlab.errors import ArgumentError, ShapeError
from normlab.kernels.windows import Pair
from normlab.layers.conventions import CONVENTIONS, ConventionName
from normlab.layers.initializers import WeightInit, weight_std
from normlab.layers.windows import Padding, checked_padding, windows

ACTIVATIONS = ("relu", "sigmoid", "tanh")


@dataclass(frozen=True, kw_only=True)
class MLPSpec:
    """A multi-layer perceptron; ``dataclasses.asdict`` of it is JSON-able.

    Each hidden layer is dense, then (in this order) normalization and activation, or with
    ``placement="after"`` activation and normalization, then dropout. The last layer is dense
    alone, and gives one output a class.

    Parameters
    ----------
    kind
        ``"mlp"``, which tells it from other specs where it is data.
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

    Raises
    ------
    ArgumentError
        Naming the field and the rule it breaks.
    """

    kind: Literal["mlp"] = "mlp"
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
        _checks.one_of("kind", self.kind, ("mlp",))
        sizes = _counts("sizes", self.sizes, "(784, 100, 10)")
        _checks.require(len(sizes) >= 2, "sizes", "name at least the inputs and the outputs", sizes)
        _set(self, {"sizes": sizes} | _checked(self))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of an input row."""
        return self.sizes[:1]

    @property
    def n_classes(self) -> int:
        """Outputs."""
        return self.sizes[-1]


@dataclass(frozen=True, kw_only=True)
class CNNSpec:
    """A convolutional network; ``dataclasses.asdict`` of it is JSON-able.

    Each of ``maps`` is a convolution, normalization and activation (with ``placement="after"`` in
    the other order), then max pooling. What is left of the images is flattened for hidden dense
    layers, each with normalization and activation likewise, then dropout. The last layer is dense
    alone, and gives one output a class. The defaults are the sizes of TensorFlow's tutorial "Deep
    MNIST for Experts".

    Parameters
    ----------
    kind
        ``"cnn"``, which tells it from other specs where it is data.
    image_shape
        Height, width and channels of an image. Default ``(28, 28, 1)``.
    maps
        Feature maps of each convolution. Default ``(32, 64)``.
    kernel_size
        Height and width of the convolutions' windows, which move by 1. Default 5.
    padding
        ``"same"`` (default), ``"valid"`` or a number of rows and columns, see ``Conv2D``.
    pool_size
        Height and width of the pooling windows, which do not overlap. Default 2; 1: no pooling.
    hidden
        Units of each hidden dense layer. Default ``(1024,)``.
    n_classes
        Outputs. Default 10.
    activation
        ``"relu"`` (default), ``"sigmoid"`` or ``"tanh"``.
    normalization
        ``"none"`` (default) or ``"batch"``: of a feature map over batch and positions together.
    placement
        Of the normalization: ``"before"`` (default) or right ``"after"`` the activation.
    convention
        Of the batch normalization, see ``BatchNorm``.
    scale, shift
        Whether the batch normalization has a gamma, a beta. Default True.
    gamma_init, beta_init
        ``"ones"`` and ``"zeros"`` (default), or a standard deviation: then they are drawn from a
        normal distribution of mean 0 without what lies beyond two of it, as ``truncated`` does.
    dropout
        Rate of dropout after each hidden dense layer, 0 <= rate < 1. Default 0: none.
    weight_init
        ``"he"`` (default), ``"xavier"``, ``"lecun"``, or a standard deviation.
    truncated
        Whether weights beyond two standard deviations are drawn again. Default False.
    bias_init
        Where biases start, all there are. Default 0.
    bias_before_normalization
        Whether a layer right before its normalization keeps a bias, which then has no effect.
        Default False.
    dtype
        ``"float32"`` (default) or ``"float64"``.

    Raises
    ------
    ArgumentError
        Naming the field and the rule it breaks. Windows must fit into what is left of the images.
    """

    kind: Literal["cnn"] = "cnn"
    image_shape: tuple[int, ...] = (28, 28, 1)
    maps: tuple[int, ...] = (32, 64)
    kernel_size: int = 5
    padding: Padding = "same"
    pool_size: int = 2
    hidden: tuple[int, ...] = (1024,)
    n_classes: int = 10
    activation: Literal["relu", "sigmoid", "tanh"] = "relu"
    normalization: Literal["none", "batch"] = "none"
    placement: Literal["before", "after"] = "before"
    convention: ConventionName = "paper"
    scale: bool = True
    shift: bool = True
    gamma_init: Literal["ones"] | float = "ones"
    beta_init: Literal["zeros"] | float = "zeros"
    dropout: float = 0.0
    weight_init: WeightInit = "he"
    truncated: bool = False
    bias_init: float = 0.0
    bias_before_normalization: bool = False
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        _checks.one_of("kind", self.kind, ("cnn",))
        image_shape = _counts("image_shape", self.image_shape, "(28, 28, 1)")
        rule = "be height, width and channels"
        _checks.require(len(image_shape) == 3, "image_shape", rule, image_shape)
        maps = _counts("maps", self.maps, "(32, 64)")
        _checks.require(len(maps) > 0, "maps", "name at least one convolution", maps)
        _checks.boolean("truncated", self.truncated)
        plain = {
            "image_shape": image_shape,
            "maps": maps,
            "kernel_size": _checks.integer("kernel_size", self.kernel_size, at_least=1),
            "padding": checked_padding(self.padding),
            "pool_size": _checks.integer("pool_size", self.pool_size, at_least=1),
            "hidden": _counts("hidden", self.hidden, "(1024,)"),
            "n_classes": _checks.integer("n_classes", self.n_classes, at_least=1),
            "gamma_init": _started("gamma_init", self.gamma_init, "ones"),
            "beta_init": _started("beta_init", self.beta_init, "zeros"),
            "bias_init": _checks.real("bias_init", self.bias_init),
        }
        _set(self, plain | _checked(self))
        _ = self.dense_sizes  # refuses windows that do not fit into the images

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of an image."""
        return self.image_shape

    @property
    def dense_sizes(self) -> tuple[int, ...]:
        """Inputs of the first dense layer, hidden units of each, outputs: an MLP's ``sizes``."""
        left = self.image_shape[0], self.image_shape[1]
        for _ in self.maps:
            left = _slid(left, "kernel_size", self.kernel_size, 1, self.padding)
            left = _slid(left, "pool_size", self.pool_size, self.pool_size, "valid")
        return (prod(left) * self.maps[-1], *self.hidden, self.n_classes)


NetworkSpec: TypeAlias = MLPSpec | CNNSpec
"""What ``build_network`` builds."""


def _checked(spec: NetworkSpec) -> dict[str, Any]:
    """Check the fields that all specs have; return those to be kept as Python's own numbers."""
    _checks.one_of("activation", spec.activation, ACTIVATIONS)
    _checks.one_of("normalization", spec.normalization, ("none", "batch"))
    _checks.one_of("placement", spec.placement, ("before", "after"))
    _checks.one_of("convention", spec.convention, CONVENTIONS)
    _checks.boolean("scale", spec.scale)
    _checks.boolean("shift", spec.shift)
    std = weight_std(spec.weight_init, 1, 1)
    _checks.boolean("bias_before_normalization", spec.bias_before_normalization)
    _checks.one_of("dtype", spec.dtype, ("float32", "float64"))
    return {
        "dropout": _checks.real("dropout", spec.dropout, at_least=0, below=1),
        "weight_init": spec.weight_init if isinstance(spec.weight_init, str) else std,
    }


def _set(spec: NetworkSpec, fields: dict[str, Any]) -> None:
    """Set fields of a frozen spec to the same values as Python's own, which JSON takes."""
    for name, value in fields.items():
        object.__setattr__(spec, name, value)


def _counts(argument: str, values: Any, example: str) -> tuple[int, ...]:
    _checks.instance(argument, values, Iterable, f"For example {example}.")
    return tuple(
        _checks.integer(f"{argument}[{i}]", value, at_least=1) for i, value in enumerate(values)
    )


def _started(argument: str, value: Any, name: str) -> str | float:
    """Return where gamma or beta starts: by name, or a standard deviation."""
    if isinstance(value, str):
        return _checks.one_of(argument, value, (name,))
    return _checks.real(argument, value, at_least=0)


def _slid(image: Pair, field: str, size: int, stride: int, padding: Padding) -> Pair:
    """Return height and width of what windows on images of ``image`` give."""
    try:
        return windows(image, (size, size), (stride, stride), padding).output
    except ShapeError:
        left = "{} x {}".format(*image)
        rule = f"fit into what is left of the images, {left}"
        raise ArgumentError(f"{field} must {rule}, got {size}.") from None
