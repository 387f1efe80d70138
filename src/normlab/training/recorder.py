"""What is measured from outside: accuracy and loss, in evaluation mode."""

from contextlib import suppress
from math import nan
from typing import Any

from normlab import _checks
from normlab._typing import FloatArray
from normlab.data import Dataset
from normlab.errors import StatisticsError
from normlab.network import Network
from normlab.training.config import TrainingConfig
from normlab.training.history import COLUMNS
from normlab.training.losses import Loss
from normlab.training.metrics import evaluate
from normlab.training.stopwatch import Stopwatch


class Recorder:
    """Measures the network at the steps that the config asks for."""

    def __init__(
        self, network: Network, data: Dataset, config: TrainingConfig, stopwatch: Stopwatch
    ) -> None:
        self.network, self.data, self.config = network, data, config
        self.stopwatch = stopwatch
        self.loss: Loss = config.make_loss()
        self.due = config.recorded_steps(len(data.x_train))
        rule = f"come by step {config.n_steps(len(data.x_train))}, the last one"
        first = config.recording.first_step
        _checks.require(len(self.due) > 0, "recording.first_step", rule, first)
        self.per_epoch = config.steps_per_epoch(len(data.x_train))
        self.rows: list[dict[str, float]] = []

    def record_if_due(self, step: int, x: FloatArray, target: Any) -> dict[str, float] | None:
        """Record after ``step`` if it is one of the recorded steps."""
        if step not in self.due:
            return None
        return self.record(step, x, target, last=step == self.due[-1])

    def record(self, step: int, x: FloatArray, target: Any, *, last: bool) -> dict[str, float]:
        """Measure what is to be measured, and keep it as a row; x, target are the step's batch."""
        row = dict.fromkeys(COLUMNS, nan)
        row["step"], row["epoch"] = step, (step - 1) // self.per_epoch
        recording, data = self.config.recording, self.data
        with self.stopwatch.paused():
            self._measure(row, "train", recording.train, data.x_train, data.y_train, last)
            self._measure(row, "test", recording.test, data.x_test, data.y_test, last)
            self._measure(row, "batch", recording.batch, x, target, last)
        self.rows.append(row)
        return row

    def _measure(
        self, row: dict[str, float], part: str, when: str, x: Any, target: Any, last: bool
    ) -> None:
        if when == "always" or (when == "last" and last):
            # Divergence at step 1 leaves normalization without statistics to be measured with.
            with suppress(StatisticsError):
                result = evaluate(self.network, self.loss, x, target)
                row[f"{part}_loss"], row[f"{part}_accuracy"] = result

    def columns(self) -> dict[str, Any]:
        """Return the rows as the columns of a History."""
        return {name: [row[name] for row in self.rows] for name in COLUMNS}
