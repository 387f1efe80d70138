"""Dropout of units, scaled in training."""

from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients
from normlab.kernels import dropout
from normlab.layers.base import Layer


class DropoutCache(NamedTuple):
    """What ``Dropout.backward`` needs."""

    mask: FloatArray | None  # of the input's shape: 0 or 1 / (1 - rate); None where all pass
    shape: tuple[int, ...]  # of the input
    dtype: np.dtype[Any]


class Dropout(Layer[DropoutCache]):
    """Inverted dropout: each element is set to 0 with probability ``rate``.

    ``y = m x`` and ``dx = m dy`` with a mask m that is 0 with probability ``rate`` and
    1 / (1 - rate) otherwise, drawn for each element.

    In evaluation the input passes unchanged: the scaling in training keeps its expected value.

    Parameters
    ----------
    rate
        Probability of dropping an element, 0 <= rate < 1. (Texts that give a *keep*
        probability mean 1 - rate.)
    rng
        Generator of the masks. It is the layer's own: a forward pass in training draws from
        it. Default: a fresh one, which no seed repeats.

    Raises
    ------
    ArgumentError
        For a rate outside 0 <= rate < 1, and for an ``rng`` that is no generator.

    References
    ----------
    Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting". There, outputs are scaled at test time; here, in training.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer.forward(np.ones(6), training=True)[0]
    array([2., 2., 2., 0., 0., 0.])
    >>> layer.forward(np.ones(6), training=False)[0]
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, rate: float, *, rng: np.random.Generator | None = None) -> None:
        self.rate = _checks.real("rate", rate, at_least=0, below=1)
        self.rng = np.random.default_rng() if rng is None else _checks.generator("rng", rng)

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, DropoutCache]:
        """Return x with elements dropped in training, x itself in evaluation."""
        _checks.float_array("x", x)
        if not training or self.rate == 0:
            return x, DropoutCache(None, x.shape, x.dtype)
        u = self.rng.random(x.shape, dtype=np.float32)
        y, mask = dropout.forward(x, u, self.rate)
        return y, DropoutCache(mask, x.shape, x.dtype)

    def backward(self, dy: FloatArray, cache: DropoutCache) -> tuple[FloatArray, Gradients]:
        """Return dy where the input was kept, scaled alike."""
        dy = _checks.upstream(dy, cache.shape, cache.dtype)
        return (dy if cache.mask is None else dy * cache.mask), {}

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
