"""What is measured from outside: accuracy and loss, in evaluation mode."""

from contextlib import suppress
from math import nan
from typing import Any

from normlab import _checks
from normlab._typing import IntArray
from normlab.data import Dataset
from normlab.errors import StatisticsError
from normlab.network import Network
from normlab.training.config import TrainingConfig
from normlab.training.history import COLUMNS
from normlab.training.losses import Loss
from normlab.training.metrics import Evaluator
from normlab.training.stopwatch import Stopwatch


class Recorder:
    """Measures the network at the steps that the config asks for."""

    def __init__(
        self, network: Network, data: Dataset, config: TrainingConfig, stopwatch: Stopwatch
    ) -> None:
        self.network, self.data, self.config = network, data, config
        self.stopwatch = stopwatch
        self.loss: Loss = config.make_loss()
        self.on_train = Evaluator(network, self.loss, data.x_train, data.y_train)
        self._on_test = Evaluator(network, self.loss, data.x_test, data.y_test)
        self.due = config.recorded_steps(len(data.x_train))
        rule = f"come by step {config.n_steps(len(data.x_train))}, the last one"
        first = config.recording.first_step
        _checks.require(len(self.due) > 0, "recording.first_step", rule, first)
        self.per_epoch = config.steps_per_epoch(len(data.x_train))
        self.rows: list[dict[str, float]] = []

    def record_if_due(self, step: int, batch: IntArray) -> dict[str, float] | None:
        """Record after ``step`` if it is one of the recorded steps."""
        if step not in self.due:
            return None
        return self.record(step, batch, last=step == self.due[-1])

    def record(self, step: int, batch: IntArray, *, last: bool) -> dict[str, float]:
        """Measure what is to be measured, and keep it as a row; of the batch, the row numbers."""
        row = dict.fromkeys(COLUMNS, nan)
        row["step"], row["epoch"] = step, (step - 1) // self.per_epoch
        recording, data = self.config.recording, self.data
        with self.stopwatch.paused():
            if self._wants(recording.train, last):
                self._measure(row, "train", self.on_train)
            if self._wants(recording.test, last):
                self._measure(row, "test", self._on_test)
            if self._wants(recording.batch, last):
                x, target = data.x_train[batch], data.y_train[batch]
                self._measure(row, "batch", Evaluator(self.network, self.loss, x, target))
        self.rows.append(row)
        return row

    @staticmethod
    def _wants(when: str, last: bool) -> bool:
        return when == "always" or (when == "last" and last)

    def _measure(self, row: dict[str, float], part: str, evaluator: Evaluator) -> None:
        # Divergence at step 1 leaves normalization without statistics to be measured with.
        with suppress(StatisticsError):
            row[f"{part}_loss"], row[f"{part}_accuracy"] = evaluator()

    def columns(self) -> dict[str, Any]:
        """Return the rows as the columns of a History."""
        return {name: [row[name] for row in self.rows] for name in COLUMNS}
