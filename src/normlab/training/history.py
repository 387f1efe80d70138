"""What a training recorded, in named columns."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from normlab._typing import FloatArray, IntArray

COLUMNS = ("step", "epoch", "train_accuracy", "train_loss", "test_accuracy", "test_loss")


@dataclass(frozen=True, eq=False, kw_only=True)
class History:
    """The record of one training: a row a recorded step, columns as read-only arrays.

    Attributes
    ----------
    step
        Steps, counted from 1; the row holds what was measured right after this one or, where
        training diverged, on arriving at it.
    epoch
        The pass over the training data that the step belongs to, counted from 0.
    train_accuracy, train_loss, test_accuracy, test_loss
        In evaluation mode, the losses without weight decay. NaN where not recorded, and where
        training diverged at step 1, before normalization had running statistics.
    n_steps
        Steps taken in all.
    diverged_at_step
        The step whose objective was the first that is not finite, None if there was none. That
        step is not taken: the last row measures the network as it was on arriving there.
    """

    step: IntArray
    epoch: IntArray
    train_accuracy: FloatArray
    train_loss: FloatArray
    test_accuracy: FloatArray
    test_loss: FloatArray
    n_steps: int
    diverged_at_step: int | None = field(default=None)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = np.array(getattr(self, name), dtype=int if name in COLUMNS[:2] else float)
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.step)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary a recorded step, with Python numbers."""
        columns = [getattr(self, name).tolist() for name in COLUMNS]
        return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]

    def __eq__(self, other: object) -> bool:
        """Compare to the bit; NaN equals NaN."""
        if not isinstance(other, History):
            return NotImplemented
        pairs = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)]
        return all(
            np.array_equal(a, b, equal_nan=True) if isinstance(a, np.ndarray) else a == b
            for a, b in pairs
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    def __repr__(self) -> str:
        end = f"diverged at step {self.diverged_at_step}" if self.diverged_at_step else ""
        if not end and len(self):
            last = self.rows()[-1]
            found = [f"{name} {last[name]:.4g}" for name in COLUMNS[2:] if last[name] == last[name]]
            end = ", ".join(found)
        return f"History({self.n_steps} steps, {len(self)} recorded; {end or 'nothing measured'})"
