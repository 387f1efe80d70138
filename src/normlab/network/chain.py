"""A whole network of dense layers, run in one compiled call a pass; see ``kernels.chain``."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray, Gradients, IntArray
from normlab.kernels import arrays
from normlab.kernels import chain as kernel
from normlab.kernels.arrays import address
from normlab.kernels.dense import FEWEST_ROWS, laid_out
from normlab.kernels.moments import Moments
from normlab.kernels.threads import MULTIPLICATIONS, in_team
from normlab.layers import BatchNorm, Dense, Layer, ReLU, Sigmoid, Tanh
from normlab.layers.activation import Activation, ActivationCache
from normlab.layers.batch_norm import BatchNormCache
from normlab.layers.dense import DenseCache
from normlab.network.runs import RectifiedCache, together

COMPILED = ReLU, Sigmoid, Tanh
"""Exactly these types: a subclass may do otherwise."""


class Named(NamedTuple):
    """Where the gradient of a parameter lies among all."""

    name: str
    begin: int
    end: int
    shape: tuple[int, ...]


class Chain:
    """Layers that ``chain_of`` takes, as a plan of what to compute with which arrays."""

    def __init__(self, layers: Sequence[Layer[Any]]) -> None:
        self.layers = tuple(layers)
        self.steps = together(self.layers)
        leading = [run.layers[0] for run in self.steps]
        self.norms = {i: layer for i, layer in enumerate(leading) if isinstance(layer, BatchNorm)}
        activations = (layer.kernels for layer in leading if isinstance(layer, Activation))
        self.activations = tuple(dict.fromkeys(activations))
        self.named: list[Named] = []
        self.n_gradients = self.n_kept = self.n_statistics = 0
        first: Any = self.layers[0]  # which is dense
        n_features = self.n_inputs = first.n_inputs
        rows = []
        for run in self.steps:
            rows.append(self._row(run.first, run.layers, n_features))
            n_features = rows[-1][kernel.N_OUT]
        self.plan: IntArray = np.array(rows)
        self._stated: tuple[list[Any], FloatArray] = [], np.zeros((len(rows), 3))
        self.dtype = self.layers[0].parameters["weight"].dtype
        self.n_outputs = n_features
        self.widest = int(self.plan[:, kernel.N_OUT].max())
        dense = self.plan[self.plan[:, kernel.KIND] == kernel.DENSE]
        self.work_a_row = int((dense[:, kernel.N_IN] * dense[:, kernel.N_OUT]).sum())

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy has a plan of its own: addresses belong to the arrays of these layers.
        return Chain, (self.layers,)

    def _row(self, first: int, layers: tuple[Any, ...], n_inputs: int) -> list[int]:
        """Return the plan's row of a step, whose first layer has this number."""
        layer, row = layers[0], [0] * 11
        n_outputs = layer.n_outputs if isinstance(layer, Dense) else n_inputs
        row[kernel.N_IN], row[kernel.N_OUT] = n_inputs, n_outputs
        row[kernel.D_FIRST], row[kernel.D_SECOND] = -1, -1
        row[kernel.OUT], row[kernel.STATS] = self.n_kept, self.n_statistics
        self.n_kept += n_outputs
        if isinstance(layer, Dense):
            row[kernel.KIND] = kernel.DENSE
            row[kernel.FIRST], row[kernel.SECOND] = address(layer.weight), address(layer.bias)
            row[kernel.D_FIRST] = self._name(first, "weight", layer.weight)
            row[kernel.D_SECOND] = self._name(first, "bias", layer.bias)
        elif isinstance(layer, BatchNorm):
            row[kernel.KIND] = kernel.NORM if len(layers) == 1 else kernel.NORM_RELU
            row[kernel.FIRST], row[kernel.SECOND] = map(address, layer.scale_and_shift)
            row[kernel.MEAN] = address(layer.running_mean)
            row[kernel.VAR] = address(layer.running_var)
            row[kernel.D_FIRST] = self._name(first, "gamma", layer.gamma)
            row[kernel.D_SECOND] = self._name(first, "beta", layer.beta)
            self.n_statistics += n_outputs
        else:
            codes = kernel.FIRST_ACTIVATION + 2 * self.activations.index(layer.kernels)
            row[kernel.KIND] = kernel.ACTIVATION
            row[kernel.FIRST], row[kernel.SECOND] = codes, codes + 1
        return row

    def _name(self, layer: int, name: str, parameter: FloatArray | None) -> int:
        """Return where the gradient of a parameter begins; -1 where there is none."""
        if parameter is None:
            return -1
        begin = self.n_gradients
        self.n_gradients += parameter.size
        self.named.append(Named(f"{layer}.{name}", begin, self.n_gradients, parameter.shape))
        return begin

    def takes(self, x: Any) -> bool:
        """Return whether these are rows for the compiled passes; others go layer by layer."""
        return (
            isinstance(x, np.ndarray)
            and x.ndim == 2
            and x.shape[1] == self.n_inputs
            and len(x) >= FEWEST_ROWS
            and x.dtype == self.dtype
        )

    def forward(self, x: FloatArray) -> tuple[FloatArray, "ChainCache"]:
        """Return the output in training, and the cache."""
        x = np.ascontiguousarray(x)
        work = arrays.empty((len(x) * self.n_kept,), x.dtype)
        cache = ChainCache(self, x, work, *self.statistics())
        self._forward(cache, training=True)
        return work[-len(x) * self.n_outputs :].reshape(len(x), self.n_outputs), cache

    def can_predict(self) -> bool:
        """Return whether all running statistics have been updated."""
        return all(norm.n_updates > 0 for norm in self.norms.values())

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the output in evaluation."""
        x = np.ascontiguousarray(x)
        half = len(x) * self.widest
        work = arrays.empty((2 * half,), x.dtype)
        self._forward(ChainCache(self, x, work, *self.statistics()), training=False)
        begin = (len(self.plan) - 1) % 2 * half
        return work[begin : begin + len(x) * self.n_outputs].reshape(len(x), self.n_outputs).copy()

    def statistics(self) -> tuple[FloatArray, FloatArray]:
        """Return room for the statistics of a batch and for the terms."""
        return np.empty(3 * self.n_statistics), np.empty(5 * self.n_statistics, self.dtype)

    def _forward(self, cache: "ChainCache", *, training: bool) -> None:
        n = len(cache.x)
        layers = self.codes(self.dtype), self.plan, self.options
        pass_ = *cache.laid_out, training, cache.work, cache.stats, cache.terms
        in_team(kernel.forward, n * self.work_a_row // MULTIPLICATIONS, *layers, *pass_)

    def codes(self, stored: np.dtype[Any]) -> IntArray:
        """Return where what the passes call is, for rows of this dtype."""
        return kernel.codes_of(self.dtype, stored, self.activations)

    def backward(
        self, dy: FloatArray, cache: "ChainCache", *, wants_dx: bool
    ) -> tuple[FloatArray, Gradients]:
        """Return dx, which is empty where nobody wants it, and the gradients."""
        n, dy = len(cache.x), np.ascontiguousarray(dy)
        gradients = arrays.empty((self.n_gradients,), self.dtype)
        room = arrays.empty((2 * n * self.widest,), self.dtype)
        dx = arrays.empty((n if wants_dx else 0, self.n_inputs), self.dtype)
        layers = self.codes(self.dtype), self.plan
        given = *cache.laid_out, cache.work, cache.terms, address(dy)
        size = 2 * n * self.work_a_row // MULTIPLICATIONS
        in_team(kernel.backward, size, *layers, *given, gradients, room, dx)
        return dx, self.by_name(gradients)

    def by_name(self, gradients: FloatArray) -> Gradients:
        """Return the gradient of each parameter, from those of all."""
        return {name: gradients[begin:end].reshape(shape) for name, begin, end, shape in self.named}

    def update_statistics(self, cache: "ChainCache") -> None:
        """Move all running statistics towards the batch."""
        for norm in self.norms.values():
            _checks.writeable(norm.statistics)
        self.count_updates(1)
        kernel.update_statistics(self.plan, self.options, len(cache.x), cache.stats)

    def count_updates(self, n: int) -> None:
        """Count updates of the running statistics."""
        for norm in self.norms.values():
            norm.n_updates += n

    def is_writeable(self) -> bool:
        """Return whether training may change all that it changes, by its address."""
        return all(
            array.flags.writeable
            for layer in self.layers
            for array in (*layer.parameters.values(), *layer.statistics.values())
        )

    def has_constant_options(self) -> bool:
        """Return whether an update of the running statistics leaves the options as they are."""
        return all(norm.decay is not None for norm in self.norms.values())

    @property
    def options(self) -> FloatArray:
        """The plan's options as they are now."""
        # They may be set at any time. To compare takes a third of the time of a new array.
        stated = [norm.options for norm in self.norms.values()]
        before, options = self._stated
        if stated != before:
            options = np.zeros((len(self.plan), 3))
            options[list(self.norms)] = np.array(stated).reshape(-1, 3)
            self._stated = stated, options
        return options

    def layer_caches(self, cache: "ChainCache") -> tuple[Any, ...]:
        """Return the cache of each layer, as if they had run one by one."""
        found: list[Any] = []
        x, n = cache.x, len(cache.x)
        for run, step in zip(self.steps, self.plan, strict=True):
            begin, n_outputs = n * step[kernel.OUT], step[kernel.N_OUT]
            y = cache.work[begin : begin + n * n_outputs].reshape(n, n_outputs)
            if step[kernel.KIND] == kernel.DENSE:
                found.append(DenseCache(x))
            elif step[kernel.KIND] == kernel.ACTIVATION:
                found.append(ActivationCache(y))
            else:
                begin = step[kernel.STATS]
                mean, M2, inv_std = cache.stats[3 * begin :][: 3 * n_outputs].reshape(3, n_outputs)
                terms = cache.terms[5 * begin :][: 5 * n_outputs].reshape(5, n_outputs)
                norm = BatchNormCache(x, mean, inv_std, terms, Moments(n, mean, M2), x.shape)
                found += [norm, RectifiedCache(norm)][: len(run.layers)]
            x = y
        return tuple(found)


class ChainCache(Sequence[Any]):
    """The caches of the layers, made when somebody looks at one."""

    def __init__(
        self, chain: Chain, x: FloatArray, work: FloatArray, stats: FloatArray, terms: FloatArray
    ) -> None:
        self.chain, self.x, self.work, self.stats, self.terms = chain, x, work, stats, terms
        self.laid_out = laid_out(x)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self.chain.layers)

    def __getitem__(self, i: Any) -> Any:
        """Return the cache of layer i."""
        return self.chain.layer_caches(self)[i]

    def fits(self, dy: Any) -> bool:
        """Return whether ``dy`` is the gradient of an output of this pass."""
        shape = len(self.x), self.chain.n_outputs
        return isinstance(dy, np.ndarray) and dy.dtype == self.chain.dtype and dy.shape == shape


def chain_of(layers: Sequence[Layer[Any]]) -> Chain | None:
    """Return the chain of these layers, or None where there is one that it does not know.

    It knows dense layers, normalizations of rows and activations, the very types, that fit
    together and have parameters of one dtype. The first is dense.
    """
    if not layers or type(layers[0]) is not Dense:
        return None
    n_features, dtypes = layers[0].n_inputs, set()
    for layer in layers:
        if type(layer) is Dense:
            if layer.n_inputs != n_features:
                return None
            n_features = layer.n_outputs
        elif type(layer) is BatchNorm:
            if layer.n_features != n_features or layer.axis not in (1, -1):
                return None
            dtypes |= {parameter.dtype for parameter in layer.scale_and_shift}
        elif type(layer) not in COMPILED:
            return None
        dtypes |= {parameter.dtype for parameter in layer.parameters.values()}
    return Chain(layers) if len(dtypes) == 1 else None
