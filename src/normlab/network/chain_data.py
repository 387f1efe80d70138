"""A chain at work on rows of a dataset: steps of training and measurements, compiled as a whole."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray, IntArray
from normlab.data.pixels import Pixels
from normlab.kernels import arrays, chain_steps
from normlab.kernels.dense import FEWEST_ROWS
from normlab.kernels.masks import masks_of
from normlab.kernels.threads import MULTIPLICATIONS, in_team
from normlab.kernels.updates import CompiledStep
from normlab.network.chain import Chain


class ChainData:
    """Rows and class indices that a chain can learn from, and be measured on."""

    def __init__(self, chain: Chain, stored: NDArray[Any], labels: IntArray) -> None:
        # Labels are copied: compiled code takes them as places, and somebody might change them.
        masks, labels = masks_of(arrays.read_only(stored)), labels.astype(np.int64)
        self.chain, self.n, self.stored = chain, len(labels), stored
        self.rows = arrays.address(stored), masks, arrays.read_only(labels)

    @classmethod
    def of(cls, chain: Chain, x: Any, labels: Any) -> Self | None:
        """Return them as compiled code takes them; None where layers must take them in turn."""
        stored = x.stored if isinstance(x, Pixels) else x
        fits = (
            type(stored) is np.ndarray
            and x.dtype == chain.dtype
            and stored.ndim == 2
            and stored.shape[1] == chain.n_inputs
            and len(stored) >= FEWEST_ROWS
            and stored.flags.c_contiguous
            and labels.shape == (len(stored),)
            and labels.dtype.kind in "iu"
            and 0 <= labels.min() <= labels.max() < chain.n_outputs
        )
        return cls(chain, stored, labels) if fits else None

    def layers(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return what compiled code must know of the layers, as they are now."""
        chain = self.chain
        return chain.codes(self.stored.dtype), chain.plan, chain.options

    def measure(self, n_rows: int) -> tuple[float, int]:
        """Return the sum of all losses in evaluation, and how many rows are right.

        So many rows are computed at a time.
        """
        chain, n = self.chain, min(n_rows, self.n)
        work = arrays.empty((2 * n * chain.widest,), chain.dtype)
        dy = np.empty((n, chain.n_outputs), chain.dtype)
        given = *self.layers(), *self.rows, work, *chain.statistics(), dy
        size = n * chain.work_a_row // MULTIPLICATIONS
        found: tuple[float, int] = in_team(chain_steps.measure, size, *given)
        return found


class ChainSteps:
    """Takes steps of training: many at a time, where ``may_be_many``."""

    def __init__(self, data: ChainData, batch_size: int) -> None:
        self.data, chain = data, data.chain
        gradients = arrays.empty((chain.n_gradients,), chain.dtype)
        self.gradients = chain.by_name(gradients)
        work = arrays.empty((batch_size * chain.n_kept,), chain.dtype)
        dy = np.empty((batch_size, chain.n_outputs), chain.dtype)
        between = arrays.empty((2 * batch_size * chain.widest,), chain.dtype)
        self._room = work, *chain.statistics(), dy, gradients, between
        self.multiplications = 3 * batch_size * chain.work_a_row  # a step, about
        self.may_be_many = chain.has_constant_options()

    def take(self, batches: IntArray, update: CompiledStep, numbers: FloatArray) -> list[float]:
        """Take a step on each batch of row numbers; return the objectives, before each step.

        The last one is not finite where training has diverged: that step is not taken. ``numbers``
        are those of the optimizer, a row a step.
        """
        chain, data = self.data.chain, self.data
        objectives = np.empty(len(batches))
        counted = 0 if self.may_be_many else 1  # on which the options of this step depend
        chain.count_updates(counted)
        given = *data.layers(), *data.rows, batches, *self._room, *update, numbers, objectives
        size = self.multiplications // MULTIPLICATIONS
        n: int = in_team(chain_steps.take_steps, size, *given)
        chain.count_updates(n - counted)
        return list(objectives[: n + 1])
