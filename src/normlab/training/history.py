"""What a training recorded, in named columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import nan
from typing import Any

import numpy as np

from normlab._table import Table
from normlab._typing import FloatArray, IntArray
from normlab.training.series import Series

SHOWN_ROWS = 5
"""At the beginning and at the end, in a notebook."""

COUNTS = ("step", "epoch")
COLUMNS = (
    *COUNTS,
    "train_accuracy",
    "train_loss",
    "test_accuracy",
    "test_loss",
    "batch_accuracy",
    "batch_loss",
)


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
    batch_accuracy, batch_loss
        The same on the step's own batch.
    n_steps
        Steps taken in all.
    diverged_at_step
        The step whose objective was the first that is not finite, None if there was none. That
        step is not taken: the last row measures the network as it was on arriving there.
    probed_steps
        The steps that were watched, counted from 1. A diverging step is not.
    probes
        What was seen at them, by the names in ``Probes``; empty where no step was watched.
    seconds_per_step
        Mean wall time of a step, without the time of measuring and without the first step, which
        may compile kernels; NaN where there was only one. It takes no part in comparisons.
    """

    step: IntArray
    epoch: IntArray
    train_accuracy: FloatArray
    train_loss: FloatArray
    test_accuracy: FloatArray
    test_loss: FloatArray
    batch_accuracy: FloatArray = field(default_factory=lambda: np.array(nan))
    batch_loss: FloatArray = field(default_factory=lambda: np.array(nan))
    n_steps: int
    diverged_at_step: int | None = field(default=None)
    probed_steps: IntArray = field(default_factory=lambda: np.array([], dtype=int))
    probes: Mapping[str, Series] = field(default_factory=dict)
    seconds_per_step: float = field(default=nan, compare=False)

    def __post_init__(self) -> None:
        n_rows = len(self.step)
        for name in COLUMNS:
            dtype = int if name in COUNTS else float
            values = np.asarray(getattr(self, name), dtype)
            self._set(name, np.full(n_rows, values) if values.ndim == 0 else values.copy())
        self._set("probed_steps", np.array(self.probed_steps, dtype=int))
        object.__setattr__(self, "probes", dict(self.probes))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickling forgets that an array is read-only.
        for name, value in state.items():
            self._set(name, value)

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
        compared = [f.name for f in fields(self) if f.compare]
        return all(_same(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    def __repr__(self) -> str:
        end = f"diverged at step {self.diverged_at_step}" if self.diverged_at_step else ""
        if not end and len(self):
            last = self.rows()[-1]
            found = [f"{name} {last[name]:.4g}" for name in COLUMNS[2:] if last[name] == last[name]]
            end = ", ".join(found)
        probed = f", {len(self.probed_steps)} probed" if self.probes else ""
        counts = f"{self.n_steps} steps, {len(self)} recorded{probed}"
        return f"History({counts}; {end or 'nothing measured'})"

    def _repr_html_(self) -> str:
        """Return what was recorded as static HTML, which notebooks show; a long one in part."""
        recorded = [n for n in COLUMNS if n in COUNTS or not np.isnan(getattr(self, n)).all()]
        rows = [tuple(_short(row[name]) for name in recorded) for row in self.rows()]
        if len(rows) > 2 * SHOWN_ROWS:
            rows[SHOWN_ROWS:-SHOWN_ROWS] = [("...",) * len(recorded)]
        return Table(tuple(recorded), tuple(rows), caption=repr(self), numbers_from=0)._repr_html_()

    def _set(self, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        object.__setattr__(self, name, value)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    return bool(a == b)


def _short(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
