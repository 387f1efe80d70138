"""Layers run in order, under one contract."""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab._table import Table
from normlab._typing import FloatArray, Gradients, Parameters
from normlab.errors import ArgumentError, NormlabError
from normlab.kernels import chain_steps
from normlab.layers import Dense, Layer
from normlab.network.chain import ChainCache, chain_of
from normlab.network.chain_data import ChainData
from normlab.network.runs import Run, one_by_one, together


class NetworkCache(NamedTuple):
    """What ``Network.backward`` and ``update_statistics`` need."""

    layers: Sequence[Any]  # the cache of each layer


class Network:
    """Layers in a row: the output of one is the input of the next.

    It has the contract of a layer. Names are dotted: ``"1.gamma"`` is the gamma of layer 1,
    counted from 0; the same names serve parameters, statistics and gradients.

    Parameters
    ----------
    layers
        The layers in order, at least one, each its own object.
    input_shape
        Shape of one input row, for ``summary``. Default: that of the first layer, if it is dense.

    Raises
    ------
    ArgumentError
        For no layers, what is no layer, or a layer twice; by ``backward`` and
        ``update_statistics`` for what is no cache of as many layers.
    NormlabError
        By ``forward``, ``backward`` and ``summary``: that of a layer, whose number comes first.

    Examples
    --------
    >>> import numpy as np
    >>> from normlab.layers import BatchNorm, Dense, ReLU
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(4, 8, rng=rng), BatchNorm(8), ReLU(), Dense(8, 3, rng=rng)])
    >>> x = rng.standard_normal((5, 4)).astype(np.float32)
    >>> y, cache = network.forward(x, training=True)
    >>> dx, gradients = network.backward(np.ones_like(y), cache)
    >>> list(gradients)
    ['0.weight', '0.bias', '1.gamma', '1.beta', '3.weight', '3.bias']
    >>> network.update_statistics(cache)
    """

    def __init__(
        self, layers: Iterable[Layer[Any]], *, input_shape: tuple[int, ...] | None = None
    ) -> None:
        remedy = "Network([layer, ...]) takes them as one list."
        _checks.instance("layers", layers, Iterable, remedy)
        self.layers = tuple(layers)
        for i, layer in enumerate(self.layers):
            rule = "be a normlab layer"
            _checks.require(isinstance(layer, Layer), f"layers[{i}]", rule, layer)
        _checks.require(len(self.layers) > 0, "layers", "hold at least one layer", self.layers)
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise ArgumentError("layers must be objects of their own, got one of them twice.")
        first = self.layers[0]
        dense_shape = (first.n_inputs,) if isinstance(first, Dense) else None
        self.input_shape = dense_shape if input_shape is None else _row_shape(input_shape)
        self._one_by_one, self._together = one_by_one(self.layers), together(self.layers)
        self._chain = chain_of(self.layers)
        arrays = self.parameters.values()  # whose dtypes never change
        self._dtype = np.result_type(*arrays) if arrays else np.dtype("f4")

    @property
    def parameters(self) -> Parameters:
        """All parameters by dotted name; writing into the arrays sets the network."""
        return {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            for name, array in layer.parameters.items()
        }

    @property
    def statistics(self) -> dict[str, NDArray[Any]]:
        """All running statistics by dotted name."""
        return {
            f"{i}.{name}": array
            for i, layer in enumerate(self.layers)
            for name, array in layer.statistics.items()
        }

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters; float32 where there are none."""
        return self._dtype

    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, NetworkCache]:
        """Return the output and the cache; nothing is changed.

        ``training=True`` normalizes with batch statistics and drops units; ``False`` uses running
        statistics and keeps all units.
        """
        if training and self._chain is not None and self._chain.takes(x):
            y, chained = self._chain.forward(x)
            return y, NetworkCache(chained)
        caches: list[Any] = []
        for run in self._together:
            x, own = run.forward(x, training=training)
            caches += own
        return x, NetworkCache(tuple(caches))

    def forward_all(
        self, x: FloatArray, *, training: bool
    ) -> tuple[tuple[FloatArray, ...], NetworkCache]:
        """Return the output of every layer, the last of which is ``forward``'s, and the cache."""
        outputs, caches = [x], []
        for run in self._one_by_one:
            y, (cache,) = run.forward(outputs[-1], training=training)
            outputs.append(y)
            caches.append(cache)
        return tuple(outputs[1:]), NetworkCache(tuple(caches))

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the output in evaluation mode: that of ``forward(x, training=False)``.

        No caches are kept, so that the layers take turns in little memory: up to 1.8 times as
        fast on 1,000 rows.
        """
        if self._chain is not None and self._chain.takes(x) and self._chain.can_predict():
            return self._chain.predict(x)
        for run in self._together:
            x, _ = run.forward(x, training=False)
        return x

    def backward(self, dy: FloatArray, cache: NetworkCache) -> tuple[FloatArray, Gradients]:
        """Return the gradient of the input and of each parameter."""
        if (chained := self._chained(dy, cache)) is not None:
            return chained.chain.backward(dy, chained, wants_dx=True)
        dy, gradients = self._backward_through(self._together, dy, cache)
        return dy, _in_order(gradients)

    def backward_all(
        self, dy: FloatArray, cache: NetworkCache
    ) -> tuple[tuple[FloatArray, ...], Gradients]:
        """Return the gradient of every layer's output, the last being dy, and of each parameter.

        What ``parameter_gradients`` computes, with what it passes on the way.
        """
        first, *others = self._one_by_one
        passed = [dy]
        dy, gradients = self._backward_through(others, dy, cache, passed)
        gradients.append(first.parameter_gradients(dy, cache.layers))
        return tuple(reversed(passed)), _in_order(gradients)

    def parameter_gradients(self, dy: FloatArray, cache: NetworkCache) -> Gradients:
        """Return ``backward``'s gradients alone, without computing dx of the first layer.

        For the network of 784 inputs and five layers of 100, that is a fifth of a step's work.
        """
        if (chained := self._chained(dy, cache)) is not None:
            return chained.chain.backward(dy, chained, wants_dx=False)[1]
        first, *others = self._together
        dy, gradients = self._backward_through(others, dy, cache)
        gradients.append(first.parameter_gradients(dy, cache.layers))
        return _in_order(gradients)

    def compile_share(self, share: int) -> None:
        """Compile a share of the kernels of whole trainings; see ``kernels.chain_steps``."""
        if self._chain is not None:
            chain_steps.compile_share(self.dtype, self._chain.activations, share)

    def at_once(self, x: Any, labels: Any) -> ChainData | None:
        """Return rows and class indices as one compiled call takes all of them.

        None where there is no such call: for other layers than those of a ``Chain``, other dtypes
        than the network's, and few rows.
        """
        return None if self._chain is None else ChainData.of(self._chain, x, labels)

    def update_statistics(self, cache: NetworkCache) -> None:
        """Move all running statistics towards the batch in ``cache``."""
        self._require_own(cache)
        if (chained := self._own_chain(cache)) is not None:
            chained.chain.update_statistics(chained)
            return
        for layer, layer_cache in zip(self.layers, cache.layers, strict=True):
            layer.update_statistics(layer_cache)

    def summary(self, input_shape: tuple[int, ...] | None = None) -> str:
        """Return a table of the layers: output shape of a row, parameters, statistics.

        ``input_shape`` is the shape of one input row; by default the network's own.
        """
        return str(self._summary(input_shape))

    def __repr__(self) -> str:
        inside = "".join(f"    {layer!r},\n" for layer in self.layers)
        return f"Network([\n{inside}])"

    def _repr_html_(self) -> str:
        """Return the summary as static HTML, which notebooks show."""
        return self._summary()._repr_html_()

    def _summary(self, input_shape: tuple[int, ...] | None = None) -> Table:
        rows, shape = [], self.input_shape if input_shape is None else _row_shape(input_shape)
        for i, layer in enumerate(self.layers):
            try:
                shape = None if shape is None else layer.output_shape(shape)
            except NormlabError as error:
                raise type(error)(f"layer {i}, {layer!r}: {error}") from None
            counts = (_size(layer.parameters), _size(layer.statistics))
            rows.append((str(i), repr(layer), str(shape or "?"), *counts))
        return Table(
            header=("", "layer", "output", "parameters", "statistics"),
            rows=tuple(rows),
            numbers_from=3,
            total=("", "total", "", _size(self.parameters), _size(self.statistics)),
        )

    def _backward_through(
        self,
        runs: Sequence[Run],
        dy: FloatArray,
        cache: NetworkCache,
        passed: list[FloatArray] | None = None,
    ) -> tuple[FloatArray, list[Gradients]]:
        """Go back through ``runs``; where given, ``passed`` receives each dx."""
        self._require_own(cache)
        gradients = []
        for run in reversed(runs):
            dy, own = run.backward(dy, cache.layers)
            gradients.append(own)
            if passed is not None:
                passed.append(dy)
        return dy, gradients

    def _chained(self, dy: FloatArray, cache: NetworkCache) -> ChainCache | None:
        """Return the cache of the chain, where it is one and dy fits."""
        self._require_own(cache)
        chained = self._own_chain(cache)
        return chained if chained is not None and chained.fits(dy) else None

    def _own_chain(self, cache: NetworkCache) -> ChainCache | None:
        chained = cache.layers
        is_own = isinstance(chained, ChainCache) and chained.chain is self._chain
        return cast(ChainCache, chained) if is_own else None

    def _require_own(self, cache: NetworkCache) -> None:
        _checks.instance("cache", cache, NetworkCache, "It is what forward returns second.")
        n_layers = len(self.layers)
        if len(cache.layers) != n_layers:
            raise ArgumentError(
                f"cache must be of a network of {n_layers} layers, got {len(cache.layers)}."
            )


def _row_shape(value: Any) -> tuple[int, ...]:
    """Return the shape of a row, given by a user."""
    _checks.instance("input_shape", value, Iterable, "Of 784 features it is (784,).")
    return tuple(_checks.integer("input_shape", n, at_least=1) for n in value)


def _in_order(gradients: list[Gradients]) -> Gradients:
    return {name: g for layer in reversed(gradients) for name, g in layer.items()}


def _size(arrays: dict[str, NDArray[Any]]) -> str:
    return f"{sum(prod(array.shape) for array in arrays.values()):,}"
