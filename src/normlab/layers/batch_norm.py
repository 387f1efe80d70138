"""Batch normalization; see ``kernels.batch_norm`` and ``kernels.moments``."""

from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from normlab import _checks
from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import ArgumentError, BatchSizeError, ShapeError, StatisticsError
from normlab.kernels import batch_norm
from normlab.kernels.moments import Moments
from normlab.layers.base import Layer
from normlab.layers.conventions import CONVENTIONS, ConventionName
from normlab.layers.held import Held


class BatchNormCache(NamedTuple):
    """What ``BatchNorm.backward`` and ``update_statistics`` need."""

    x: FloatArray  # (m, n_features), or (n, n_features, positions) where features are not last
    mean: FloatArray  # (n_features,) float64, that x was normalized with
    inv_std: FloatArray  # (n_features,) float64, 1 / sqrt(var + eps)
    terms: FloatArray  # (5, n_features), the same with gamma and beta, as kernels take it
    moments: Moments | None  # of the batch; None in evaluation, where nothing depends on x
    shape: tuple[int, ...]  # of the input

    def normalized(self, *, relu: bool = False) -> FloatArray:
        """Return y, or what a ReLU makes of it, bit for bit, in one pass less."""
        return batch_norm.normalize(self.x, self.terms, relu=relu).reshape(self.shape)


class BatchNorm(Layer[BatchNormCache]):
    """Batch normalization of each feature over all values that share it.

    In training, with the m values of a feature in the batch::

        mean  = sum(x) / m            var = sum((x - mean)^2) / m
        x_hat = (x - mean) / sqrt(var + eps)
        y     = gamma x_hat + beta

    and backward, since mean and var depend on x::

        d_beta = sum(dy)              d_gamma = sum(dy x_hat)
        dx     = gamma / sqrt(var + eps) (dy - d_beta / m - x_hat d_gamma / m)

    In evaluation the running statistics take the place of mean and var, and
    ``dx = gamma / sqrt(running_var + eps) dy``.

    Parameters
    ----------
    n_features
        Size of the feature axis.
    axis
        The feature axis; all other axes are normalized over. Default -1: rows ``(n, features)``,
        images ``(n, height, width, channels)``. ``axis=1`` serves channels-first arrays.
    convention
        ``"paper"`` (default), ``"pytorch"``, ``"keras"``, ``"onnx"`` or ``"book"``: the values of
        the four arguments below as that system has them. One given explicitly wins.
    eps
        Added to the variance, >= 0. By convention 1e-5, 1e-5, 1e-3, 1e-5, 1e-6.
    decay
        Weight of the *old* running value in ``running = decay running + (1 - decay) batch``,
        0 <= decay <= 1; None keeps the cumulative average of all batches. Default: that of the
        convention, 0.9, but 0.99 for keras.
    ddof
        1: the running variance is the unbiased sum / (m - 1) (paper, pytorch); 0: the biased
        sum / m (keras, onnx, book).
    scale, shift
        Whether there is a gamma, a beta. Without them they are fixed at 1 and 0.
    dtype
        float32 (default) or float64, of gamma and beta.

    Attributes
    ----------
    gamma, beta
        Parameters ``(n_features,)``, starting at 1 and 0; None where switched off.
    running_mean, running_var
        Statistics ``(n_features,)``, starting at 0 and 1 (``"book"``: 0 and 0). Always float64:
        a float32 variance overflows at a deviation of 1.8e19.
    n_updates
        Statistic of shape (), the number of updates so far.

    Raises
    ------
    BatchSizeError
        By ``forward`` in training with fewer than two values a feature.
    StatisticsError
        By ``forward`` in evaluation when the running statistics were neither updated nor set.

    Notes
    -----
    ``forward`` changes nothing; ``update_statistics(cache)`` moves the running statistics.
    PyTorch's ``momentum`` is 1 - decay, Keras's ``momentum`` is decay. A constant feature gives
    exactly beta. A feature with NaN or infinity in it gives NaN, and so does one whose variance
    overflows float64. In float32, deviations below 1e-22 count as 0, far below any usual eps.

    References
    ----------
    Ioffe & Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift": Algorithm 1 (training), Algorithm 2 (unbiased variance for
    inference), section 3.2 (feature maps).

    Examples
    --------
    >>> import numpy as np
    >>> layer = BatchNorm(2)
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> y, cache = layer.forward(x, training=True)
    >>> y.round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> layer.update_statistics(cache)
    >>> layer.running_mean
    array([0.2, 2. ])
    """

    gamma: Held[FloatArray | None] = Held()
    beta: Held[FloatArray | None] = Held()
    running_mean: Held[FloatArray] = Held()
    running_var: Held[FloatArray] = Held()
    n_updates: Held[NDArray[np.int64]] = Held()

    def __init__(
        self,
        n_features: int,
        *,
        axis: int = -1,
        convention: ConventionName = "paper",
        eps: float | None = None,
        decay: float | Literal["convention"] | None = "convention",
        ddof: int | None = None,
        scale: bool = True,
        shift: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.n_features = _checks.integer("n_features", n_features, at_least=1)
        self.axis = _checks.integer("axis", axis)
        _checks.one_of("convention", convention, CONVENTIONS)
        self.convention = convention
        defaults = CONVENTIONS[convention]
        self.eps = defaults.eps if eps is None else _checks.real("eps", eps, at_least=0)
        self.decay = defaults.decay if decay == "convention" else _decay(decay)
        self.ddof = defaults.ddof if ddof is None else _checks.integer("ddof", ddof)
        _checks.require(self.ddof in (0, 1), "ddof", "be 0 (biased) or 1 (unbiased)", ddof)
        dtype = _checks.float_dtype("dtype", dtype)
        self.gamma = np.ones(n_features, dtype) if _checks.boolean("scale", scale) else None
        self.beta = np.zeros(n_features, dtype) if _checks.boolean("shift", shift) else None
        self.running_mean = np.zeros(n_features)
        self.running_var = np.full(n_features, defaults.initial_var)
        self.n_updates = np.zeros((), dtype=np.int64)
        self._fixed_gamma = np.ones(n_features, dtype)
        self._fixed_beta = np.zeros(n_features, dtype)

    @property
    def parameters(self) -> Parameters:
        """``gamma`` and ``beta``, where switched on."""
        named = {"gamma": self.gamma, "beta": self.beta}
        return {name: array for name, array in named.items() if array is not None}

    @property
    def statistics(self) -> dict[str, NDArray[Any]]:
        """``running_mean``, ``running_var`` and ``n_updates``."""
        return {
            "running_mean": self.running_mean,
            "running_var": self.running_var,
            "n_updates": self.n_updates,
        }

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, BatchNormCache]:
        """Return y, normalized with the batch's statistics or, in evaluation, the running ones."""
        cache = self.cache_of(x, training=training)
        return cache.normalized(), cache

    def cache_of(self, x: FloatArray, *, training: bool) -> BatchNormCache:
        """Return the cache of ``forward``, whose y is ``cache.normalized()``."""
        features = self._features("x", _checks.float_array("x", x))
        if training:
            self._require_values(features)
            batch, inv_std, terms = batch_norm.of_batch(features, *self.scale_and_shift, self.eps)
            return BatchNormCache(features, batch.mean, inv_std, terms, batch, x.shape)
        self._require_statistics()
        mean, inv_std = self.running_mean.copy(), batch_norm.inverse_std(self.running_var, self.eps)
        terms = batch_norm.terms(mean, inv_std, *self.scale_and_shift, x.dtype)
        return BatchNormCache(features, mean, inv_std, terms, None, x.shape)

    def backward(self, dy: FloatArray, cache: BatchNormCache) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients of gamma and beta."""
        return self._backward(dy, cache, relu=False)

    def backward_with_relu(
        self, dy: FloatArray, cache: BatchNormCache
    ) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradients where dy is that of ``cache.normalized(relu=True)``."""
        return self._backward(dy, cache, relu=True)

    def _backward(
        self, dy: FloatArray, cache: BatchNormCache, *, relu: bool
    ) -> tuple[FloatArray, Gradients]:
        dy = self._features("dy", _checks.upstream(dy, cache.shape, cache.x.dtype))
        kernel = batch_norm.backward_fixed if cache.moments is None else batch_norm.backward_batch
        dx, d_gamma, d_beta = kernel(dy, cache.x, cache.terms, relu=relu)
        sums = (("gamma", self.gamma, d_gamma), ("beta", self.beta, d_beta))
        gradients = {name: d.astype(p.dtype) for name, p, d in sums if p is not None}
        return dx.reshape(cache.shape), gradients

    def update_statistics(self, cache: BatchNormCache) -> None:
        """Move the running statistics towards the batch of a ``forward(..., training=True)``."""
        if cache.moments is None:
            raise ArgumentError(
                "cache must come from forward with training=True, got one from evaluation,"
                " which has no batch statistics."
            )
        _checks.writeable(self.statistics)
        self.n_updates += 1
        running, batch = (self.running_mean, self.running_var), cache.moments
        count = batch.count - self.ddof
        batch_norm.move_running(*running, batch.mean, batch.M2, self.weight_of_new, count)

    @property
    def weight_of_new(self) -> float:
        """The weight of the batch in the running statistics, at this number of updates."""
        return 1 / max(1, int(self.n_updates)) if self.decay is None else 1 - self.decay

    @property
    def options(self) -> tuple[float, float, int]:
        """Eps, the weight of new statistics, and ddof, as kernels take them."""
        return self.eps, self.weight_of_new, self.ddof

    @property
    def scale_and_shift(self) -> tuple[FloatArray, FloatArray]:
        """Gamma and beta, or the ones and zeros that they are fixed at."""
        gamma = self._fixed_gamma if self.gamma is None else self.gamma
        return gamma, self._fixed_beta if self.beta is None else self.beta

    def _features(self, argument: str, x: FloatArray) -> FloatArray:
        """View x as the kernels take it; copy it only where it is not C-contiguous."""
        if not -x.ndim <= self.axis < x.ndim or x.shape[self.axis] != self.n_features:
            raise ShapeError(
                f"{argument} must have {self.n_features} features on axis {self.axis},"
                f" got shape {x.shape}."
            )
        if x.ndim == 2 and self.axis in (1, -1):
            return np.ascontiguousarray(x)
        axis = self.axis % x.ndim
        before, after = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
        shape = (before, self.n_features, after)[: 2 if after == 1 else 3]
        return np.ascontiguousarray(x).reshape(shape)

    def _require_values(self, x: FloatArray) -> None:
        count = x.size // self.n_features
        if count < 2:
            raise BatchSizeError(
                f"x must have at least 2 values a feature in training, got {count}: one value"
                " has no variance. Use a larger batch, or training=False with running statistics."
            )

    def _require_statistics(self) -> None:
        if self.n_updates > 0 or CONVENTIONS[self.convention].given:
            return
        initial_var = CONVENTIONS[self.convention].initial_var
        if not self.running_mean.any() and (self.running_var == initial_var).all():
            raise StatisticsError(
                "running statistics must be updated before evaluation, got 0 updates. Call"
                " update_statistics(cache) after a forward with training=True, or write known"
                " statistics into running_mean and running_var; where they are 0 and"
                f" {initial_var:g}, also write 1 into n_updates."
            )

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the input row, which must have the features on their axis."""
        if self.axis == 0:
            return input_shape  # features lie where the rows usually do
        axis = self.axis - 1 if self.axis > 0 else self.axis
        there = input_shape[axis] if -len(input_shape) <= axis < len(input_shape) else None
        if there != self.n_features:
            raise ShapeError(
                f"input_shape must have {self.n_features} features on axis {self.axis} of the"
                f" batch, got rows of {input_shape}."
            )
        return input_shape

    def __repr__(self) -> str:
        """Name what differs from the defaults, but for the dtype."""
        defaults = CONVENTIONS[self.convention]
        return self._repr(
            self.n_features,
            axis=(self.axis, -1),
            convention=(self.convention, "paper"),
            eps=(self.eps, defaults.eps),
            decay=(self.decay, defaults.decay),
            ddof=(self.ddof, defaults.ddof),
            scale=(self.gamma is not None, True),
            shift=(self.beta is not None, True),
        )


def _decay(decay: float | str | None) -> float | None:
    return None if decay is None else _checks.real("decay", decay, at_least=0, at_most=1)
