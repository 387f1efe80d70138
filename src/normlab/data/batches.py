"""Mini-batches as arrays of row numbers, with or without replacement."""

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from normlab import _checks
from normlab._typing import IntArray


def batches(
    n_rows: int, batch_size: int, *, replacement: bool, rng: np.random.Generator
) -> "Batches":
    """Draw mini-batches of row numbers, without end, every one of exactly ``batch_size`` rows.

    With replacement, each row of a batch is drawn from all rows, whatever was drawn before: a
    batch may hold a row twice, and a pass over the data is only a manner of speaking.

    Without replacement, all rows are shuffled, dealt out in batches, and shuffled again. Where
    ``batch_size`` does not divide ``n_rows``, the batch at the border takes the last rows of one
    shuffle and the first of the next. So each row is seen exactly once a pass, and no batch is
    short: batch normalization never meets a last batch of a single row, which has no variance.

    Parameters
    ----------
    n_rows : int
        Number of rows to draw from, at least 1.
    batch_size : int
        Rows a batch, at least 1; without replacement at most ``n_rows``.
    replacement : bool
        Whether a row may come again before all others have come.
    rng : numpy.random.Generator
        Where the draws come from; it is drawn from as batches are asked for.

    Returns
    -------
    Batches
        An iterator of row numbers from 0 to ``n_rows - 1``, int64 of shape ``(batch_size,)``;
        its ``take(n)`` gives the next n batches at once.

    Raises
    ------
    ArgumentError
        At the call, before the first batch.

    Notes
    -----
    The published from-scratch code (Saitoh, "Deep Learning from Scratch", chapter 6) draws with
    replacement, by ``np.random.choice(train_size, batch_size)``. The TensorFlow MNIST tutorials
    (``mnist.train.next_batch``) draw without, and join two shuffles at the border as here.

    Examples
    --------
    >>> import numpy as np
    >>> from normlab.data import batches
    >>> drawn = batches(6, 3, replacement=False, rng=np.random.default_rng(0))
    >>> one_pass = [*next(drawn), *next(drawn)]
    >>> sorted(int(row) for row in one_pass)
    [0, 1, 2, 3, 4, 5]
    """
    n_rows = _checks.integer("n_rows", n_rows, at_least=1)
    batch_size = _checks.integer("batch_size", batch_size, at_least=1)
    rng = _checks.generator("rng", rng)
    if _checks.boolean("replacement", replacement):
        return _WithReplacement(n_rows, batch_size, rng)
    _checks.require(
        batch_size <= n_rows,
        "batch_size",
        f"be at most {n_rows}, the number of rows, without replacement",
        batch_size,
        "Take a smaller batch_size, more rows, or replacement=True.",
    )
    return _WithoutReplacement(n_rows, batch_size, rng)


class Batches(Iterator[IntArray]):
    """Mini-batches of row numbers, drawn as they are asked for; see ``batches``."""

    def __init__(self, n_rows: int, batch_size: int, rng: np.random.Generator) -> None:
        self.n_rows, self.batch_size, self.rng = n_rows, batch_size, rng

    @abstractmethod
    def take(self, n: int) -> IntArray:
        """Return the next n batches, ``(n, batch_size)``."""

    def __next__(self) -> IntArray:
        batch: IntArray = self.take(1)[0]
        return batch


class _WithReplacement(Batches):
    def take(self, n: int) -> IntArray:
        rows: IntArray = self.rng.integers(self.n_rows, size=(n, self.batch_size))
        return rows


class _WithoutReplacement(Batches):
    _waiting: IntArray = np.empty(0, int)

    def take(self, n: int) -> IntArray:
        wanted = n * self.batch_size
        while len(self._waiting) < wanted:
            self._waiting = np.concatenate([self._waiting, self.rng.permutation(self.n_rows)])
        taken, self._waiting = self._waiting[:wanted], self._waiting[wanted:]
        return taken.reshape(n, self.batch_size)
