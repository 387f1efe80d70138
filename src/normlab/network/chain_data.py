"""A chain at work on rows of a dataset: steps of training and measurements, compiled as a whole."""

from typing import Any, Self

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.data.pixels import Pixels
from normlab.kernels import arrays
from normlab.kernels import chain as kernel
from normlab.kernels.dense import FEWEST_ROWS
from normlab.kernels.rows import code_of_taking
from normlab.kernels.threads import MULTIPLICATIONS, in_team
from normlab.kernels.updates import CompiledStep
from normlab.network.chain import Chain, address


class ChainData:
    """Rows and class indices that a chain can learn from, and be measured on."""

    def __init__(self, chain: Chain, rows: Any, labels: IntArray) -> None:
        self.chain, self.labels, self._rows = chain, labels, rows
        code = code_of_taking(rows.dtype, chain.dtype)
        self._source: IntArray = np.array([address(rows), code])

    @classmethod
    def of(cls, chain: Chain, x: Any, labels: Any) -> Self | None:
        """Return them as compiled code takes them; None where layers must take them in turn."""
        rows = x.stored if isinstance(x, Pixels) and chain.dtype == x.dtype else x
        fits = (
            type(rows) is np.ndarray
            and x.dtype == chain.dtype
            and rows.ndim == 2
            and rows.shape[1] == chain.n_inputs
            and len(rows) >= FEWEST_ROWS
            and rows.flags.c_contiguous
            and labels.shape == (len(rows),)
            and labels.dtype.kind in "iu"
            and 0 <= labels.min() <= labels.max() < chain.n_last
        )
        labels = arrays.read_only(labels.astype(np.int64, copy=False)) if fits else labels
        return cls(chain, rows, labels) if fits else None

    def measure(self, n_rows: int) -> tuple[float, int]:
        """Return the sum of all losses in evaluation, and how many rows are right.

        So many rows are computed at a time.
        """
        chain, n = self.chain, min(n_rows, len(self.labels))
        x, dy = self._batch(n)
        work = arrays.empty((2 * n * chain.widest,), chain.dtype)
        layers = kernel.codes_of(chain.dtype), chain.plan, chain.options
        size = n * chain.work_a_row // MULTIPLICATIONS
        room = x, work, *chain.statistics(), dy
        found: tuple[float, int] = in_team(
            kernel.measure, size, *layers, self._source, self.labels, *room
        )
        return found

    def _batch(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Return room for n rows and for the gradient of their outputs."""
        chain = self.chain
        shapes = (n, chain.n_inputs), (n, chain.n_last)
        x, dy = (arrays.empty(shape, chain.dtype) for shape in shapes)
        return x, dy


class ChainSteps:
    """Takes steps of training, many at a time."""

    def __init__(self, data: ChainData, batch_size: int) -> None:
        self.data, chain = data, data.chain
        gradients = arrays.empty((chain.n_gradients,), chain.dtype)
        self.gradients = chain.by_name(gradients)
        x, dy = data._batch(batch_size)
        work = arrays.empty((batch_size * chain.n_outputs,), chain.dtype)
        room = arrays.empty((2 * batch_size * chain.widest,), chain.dtype)
        target = np.empty(batch_size, np.int64)
        self._room = x, target, work, *chain.statistics(), dy, gradients, room
        self.size = 3 * batch_size * chain.work_a_row // MULTIPLICATIONS

    def take(self, batches: IntArray, update: CompiledStep, numbers: FloatArray) -> list[float]:
        """Take a step on each batch of row numbers; return the objectives, before each step.

        The last one is not finite where training has diverged: that step is not taken. ``numbers``
        are those of the optimizer, a row a step.
        """
        chain, data = self.data.chain, self.data
        objectives = np.empty(len(batches))
        layers = kernel.codes_of(chain.dtype), chain.plan, chain.options
        given = data._source, data.labels, batches, *self._room, *update, numbers, objectives
        n = in_team(kernel.take_steps, self.size, *layers, *given)
        chain.count_updates(n)
        return objectives[: n + 1].tolist()
