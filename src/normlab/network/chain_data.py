"""A chain at work on rows of a dataset: steps of training and measurements, compiled as a whole."""

from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray, IntArray
from normlab.data.pixels import Pixels
from normlab.kernels import arrays, chain_steps
from normlab.kernels.chain import codes_of
from normlab.kernels.dense import FEWEST_ROWS
from normlab.kernels.picked_product import GROUP
from normlab.kernels.picks import NO_COLUMNS, groups_of, masks_of, picked_columns
from normlab.kernels.rows import code_of_taking, strips
from normlab.kernels.threads import MULTIPLICATIONS, in_team
from normlab.kernels.updates import CompiledStep
from normlab.network.chain import Chain, address


class ChainData:
    """Rows and class indices that a chain can learn from, and be measured on."""

    def __init__(self, chain: Chain, stored: NDArray[Any], labels: IntArray) -> None:
        self.chain, self.labels, self._stored = chain, arrays.read_only(labels), stored
        code = code_of_taking(stored.dtype, chain.dtype)
        self.source: IntArray = np.array([address(stored), code])

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
            and 0 <= labels.min() <= labels.max() < chain.n_last
        )
        return cls(chain, stored, labels.astype(np.int64, copy=False)) if fits else None

    def measure(self, n_rows: int) -> tuple[float, int]:
        """Return the sum of all losses in evaluation, and how many rows are right.

        So many rows are computed at a time.
        """
        chain, n = self.chain, min(n_rows, len(self.labels))
        work = arrays.empty((2 * n * chain.widest,), chain.dtype)
        dy = np.empty((n, chain.n_last), chain.dtype)
        layers = codes_of(chain.dtype), chain.plan, chain.options
        given = (
            self.source,
            self.labels,
            *self._columns(n),
            *self._block(n),
            work,
            *chain.statistics(),
            dy,
        )
        size = n * chain.work_a_row // MULTIPLICATIONS
        found: tuple[float, int] = in_team(chain_steps.measure, size, *layers, *given)
        return found

    @cached_property
    def masks(self) -> IntArray:
        """Which elements are not 0, see ``kernels.picks``."""
        return masks_of(arrays.read_only(self._stored))

    @cached_property
    def groups(self) -> IntArray:
        """Which groups of columns have something other than 0."""
        return groups_of(self.masks)

    @cached_property
    def _picked(self) -> tuple[IntArray, IntArray, IntArray]:
        return picked_columns(self.masks)

    def _columns(self, n: int) -> tuple[IntArray, ...]:
        """Return masks, and what to pick where rows are read as they lie, n at a time."""
        if self._stored.dtype != self.chain.dtype:
            return self.masks, np.empty(0, int), *NO_COLUMNS
        used, picks, ends = self._picked
        has_whole_groups = n % GROUP == 0 or n == len(self.labels)
        return self.masks, used, picks if has_whole_groups else picks[:0], ends

    def _block(self, n: int) -> tuple[FloatArray, IntArray, IntArray]:
        """Return room for n rows, of size 0 where they need none, and how they lie."""
        if self._stored.dtype != self.chain.dtype:
            return self.room(n)
        n_features = self.chain.n_inputs
        none = np.empty((0, 0, 0), self.chain.dtype)
        return none, np.arange(n) * n_features, np.arange(n_features)

    def room(self, n: int) -> tuple[FloatArray, IntArray, IntArray]:
        """Return room for n rows, and how they will lie."""
        shape, row, column = strips(n, self.chain.n_inputs)
        return arrays.empty(shape, self.chain.dtype), row, column


class ChainSteps:
    """Takes steps of training: many at a time, where ``may_be_many``."""

    def __init__(self, data: ChainData, batch_size: int) -> None:
        self.data, chain = data, data.chain
        gradients = arrays.empty((chain.n_gradients,), chain.dtype)
        self.gradients = chain.by_name(gradients)
        work = arrays.empty((batch_size * chain.n_outputs,), chain.dtype)
        dy = np.empty((batch_size, chain.n_last), chain.dtype)
        between = arrays.empty((2 * batch_size * chain.widest,), chain.dtype)
        target = np.empty(batch_size, np.int64)
        passes = target, work, *chain.statistics(), dy, gradients, between
        self._room = *data.room(batch_size), *passes
        self.multiplications = 3 * batch_size * chain.work_a_row  # a step, about
        self.may_be_many = chain.has_constant_options()

    def take(self, batches: IntArray, update: CompiledStep, numbers: FloatArray) -> list[float]:
        """Take a step on each batch of row numbers; return the objectives, before each step.

        The last one is not finite where training has diverged: that step is not taken. ``numbers``
        are those of the optimizer, a row a step.
        """
        chain, data = self.data.chain, self.data
        objectives = np.empty(len(batches))
        chain.count_updates(1)  # the options of a step depend on how many there were
        layers = codes_of(chain.dtype), chain.plan, chain.options
        given = (
            data.source,
            data.labels,
            data.masks,
            data.groups,
            batches,
            *self._room,
            *update,
            numbers,
            objectives,
        )
        size = self.multiplications // MULTIPLICATIONS
        n: int = in_team(chain_steps.take_steps, size, *layers, *given)
        chain.count_updates(n - 1)
        return list(objectives[: n + 1])
