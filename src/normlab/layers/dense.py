"""The dense layer; see ``kernels.dense``."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from normlab import _checks
from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import ShapeError
from normlab.kernels import dense
from normlab.layers.base import Layer
from normlab.layers.held import Held
from normlab.layers.initializers import WeightInit, draw_weight


class DenseCache(NamedTuple):
    """What ``Dense.backward`` needs."""

    x: FloatArray  # (n, n_inputs), the input


class Dense(Layer[DenseCache]):
    """Fully connected layer: ``y = x weight + bias``.

    Backward: ``dx = dy weight^T``, ``d_weight = x^T dy``, ``d_bias = sum(dy)``.

    Parameters
    ----------
    n_inputs, n_outputs
        Sizes; input is ``(n, n_inputs)``, output ``(n, n_outputs)``.
    rng
        Generator of the initial weights; needed unless ``weight_init`` is 0.
    weight_init
        ``"he"``, ``"xavier"``, ``"lecun"``, or a number: the standard deviation of a normal
        distribution with mean 0 (``initializers.draw_weight``). Default ``"he"``, made for ReLU.
    truncated
        Whether weights beyond two standard deviations are drawn again, as by TensorFlow's
        ``truncated_normal``; they then deviate by 0.880 of what is stated. Default False.
    bias
        Whether there is a bias, which starts at 0. Right before batch normalization it does
        nothing: the mean is subtracted again, and its true gradient is 0.
    dtype
        float32 (default) or float64, of the parameters.

    Raises
    ------
    ArgumentError
        Naming the argument and the rule it breaks; where there is no ``rng`` to draw weights from.
    ShapeError
        By ``forward`` for other shapes than ``(n, n_inputs)``.

    Notes
    -----
    ``weight`` is ``(n_inputs, n_outputs)``, as in Keras; PyTorch's ``Linear`` stores its
    transpose. The output has the dtype of the input.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dense(3, 2, rng=np.random.default_rng(0))
    >>> y, cache = layer.forward(np.ones((4, 3), dtype=np.float32), training=True)
    >>> dx, gradients = layer.backward(y, cache)
    >>> dx.shape, gradients["weight"].shape, gradients["bias"].shape
    ((4, 3), (3, 2), (2,))
    """

    weight: Held[FloatArray] = Held()
    bias: Held[FloatArray | None] = Held()

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        *,
        rng: np.random.Generator | None = None,
        weight_init: WeightInit = "he",
        truncated: bool = False,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.n_inputs = _checks.integer("n_inputs", n_inputs, at_least=1)
        self.n_outputs = _checks.integer("n_outputs", n_outputs, at_least=1)
        dtype = _checks.float_dtype("dtype", dtype)
        shape = self.n_inputs, self.n_outputs
        self.weight = draw_weight(shape, weight_init, rng, dtype, truncated)
        self.bias = np.zeros(self.n_outputs, dtype) if _checks.boolean("bias", bias) else None

    @property
    def parameters(self) -> Parameters:
        """``weight`` and, if there is one, ``bias``."""
        named = {"weight": self.weight}
        return named if self.bias is None else named | {"bias": self.bias}

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, DenseCache]:
        """Return x weight + bias; the same in training and evaluation."""
        _checks.float_array("x", x)
        if x.ndim != 2 or x.shape[1] != self.n_inputs:
            raise ShapeError(f"x must have shape (n, {self.n_inputs}), got {x.shape}.")
        return dense.forward(x, self._weight(x.dtype), self._bias(x.dtype)), DenseCache(x)

    def backward(self, dy: FloatArray, cache: DenseCache) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients of weight and bias."""
        dy = self._upstream(dy, cache)
        gradients = self._gradients(dy, cache)
        return dense.backward_input(dy, self._weight(dy.dtype)), gradients

    def parameter_gradients(self, dy: FloatArray, cache: DenseCache) -> Gradients:
        """Return the gradients of weight and bias, without the product that dx costs."""
        return self._gradients(self._upstream(dy, cache), cache)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``(n_outputs,)``."""
        _checks.same_shape("input_shape", input_shape, (self.n_inputs,))
        return (self.n_outputs,)

    def _gradients(self, dy: FloatArray, cache: DenseCache) -> Gradients:
        has_bias = self.bias is not None
        d_weight, d_bias = dense.backward_parameters(dy, cache.x, bias=has_bias)
        gradients = {"weight": d_weight.astype(self.weight.dtype, copy=False)}
        if d_bias is not None:
            gradients["bias"] = d_bias.astype(self.weight.dtype, copy=False)
        return gradients

    def _upstream(self, dy: FloatArray, cache: DenseCache) -> FloatArray:
        return _checks.upstream(dy, (len(cache.x), self.n_outputs), cache.x.dtype)

    def _weight(self, dtype: np.dtype[np.floating]) -> FloatArray:
        return self.weight.astype(dtype, copy=False)

    def _bias(self, dtype: np.dtype[np.floating]) -> FloatArray | None:
        return None if self.bias is None else self.bias.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return self._repr(self.n_inputs, self.n_outputs, bias=(self.bias is not None, True))
