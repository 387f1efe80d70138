"""The training loop."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from math import isfinite, nan
from typing import Any, NamedTuple

import numpy as np

from normlab import _checks
from normlab.data import Dataset, batches
from normlab.errors import StatisticsError
from normlab.network import Network
from normlab.training.config import TrainingConfig
from normlab.training.history import COLUMNS, History
from normlab.training.losses import Loss
from normlab.training.metrics import evaluate
from normlab.training.objective import objective


class Step(NamedTuple):
    """What a callback is told after each step."""

    step: int  # counted from 1
    n_steps: int  # that are planned
    objective: float  # of the step's batch, before the step
    row: dict[str, float] | None  # what was recorded right after the step, if anything


def train(
    network: Network,
    data: Dataset,
    config: TrainingConfig,
    *,
    rng: np.random.Generator,
    callbacks: Iterable[Callable[[Step], object]] = (),
) -> History:
    """Train ``network`` on ``data`` in place, and return what was recorded.

    Each step draws a batch, computes the objective and its gradient in training mode, lets the
    optimizer step, and then moves the running statistics towards the batch. Measurements are made
    in evaluation mode and change nothing.

    When the objective is not finite, training has diverged: that step is not taken, the network is
    measured a last time, and the history says where. (A last step that leads there shows in what is
    recorded right after it.) Overflow on the way is part of the result and
    prints no warnings.

    Parameters
    ----------
    network
        Changed in place: parameters and running statistics. ``data`` is cast to its dtype.
    data
        Rows and targets for training, and for the test measurements.
    config
        How long, which batches, optimizer, loss, and what to record when.
    rng
        Generator of the batches; nothing else is drawn from it.
    callbacks
        Functions called with a ``Step`` after each step, for progress.

    Examples
    --------
    >>> from normlab.data import load_mnist
    >>> from normlab.network import MLPSpec, build_mlp
    >>> data = load_mnist(n_train=1000)
    >>> network = build_mlp(MLPSpec(sizes=(784, 100, 10)), rng=np.random.default_rng(0))
    >>> config = TrainingConfig(epochs=5, learning_rate=0.1)
    >>> history = train(network, data, config, rng=np.random.default_rng(1))
    >>> history.step
    array([10, 20, 30, 40, 50])
    >>> bool(history.train_accuracy[-1] > 0.8)
    True
    """
    _checks.instance("network", network, Network)
    _checks.instance("data", data, Dataset, "Dataset(x_train, y_train, x_test, y_test) makes one.")
    _checks.instance("config", config, TrainingConfig)
    _checks.generator("rng", rng)
    n_rows, n_steps = len(data.x_train), config.n_steps(len(data.x_train))
    recorder = _Recorder(network, data, config)
    optimizer, loss = config.make_optimizer(), config.make_loss()
    parameters, dtype = network.parameters, network.dtype
    draws = batches(n_rows, config.batch_size, replacement=config.replacement, rng=rng)
    for step in range(1, n_steps + 1):
        rows = next(draws)
        x = data.x_train[rows].astype(dtype, copy=False)
        result = objective(network, loss, x, data.y_train[rows], config.weight_decay)
        if not isfinite(result.value):
            recorder.record(step, last=True)
            return recorder.history(step - 1, diverged_at_step=step)
        optimizer.step(parameters, result.gradients)
        network.update_statistics(result.cache)
        row = recorder.record_if_due(step)
        for callback in callbacks:
            callback(Step(step, n_steps, result.value, row))
    return recorder.history(n_steps)


class _Recorder:
    """Measures the network at the steps that the config asks for."""

    def __init__(self, network: Network, data: Dataset, config: TrainingConfig) -> None:
        self.network, self.data, self.config = network, data, config
        self.loss: Loss = config.make_loss()
        self.due = config.recorded_steps(len(data.x_train))
        rule = f"come by step {config.n_steps(len(data.x_train))}, the last one"
        first = config.recording.first_step
        _checks.require(len(self.due) > 0, "recording.first_step", rule, first)
        self.per_epoch = config.steps_per_epoch(len(data.x_train))
        self.rows: list[dict[str, float]] = []

    def record_if_due(self, step: int) -> dict[str, float] | None:
        """Record after ``step`` if it is one of the recorded steps."""
        return self.record(step, last=step == self.due[-1]) if step in self.due else None

    def record(self, step: int, *, last: bool) -> dict[str, float]:
        """Measure what is to be measured, and keep it as a row."""
        row = dict.fromkeys(COLUMNS, nan)
        row["step"], row["epoch"] = step, (step - 1) // self.per_epoch
        recording, data = self.config.recording, self.data
        self._measure(row, "train", recording.train, data.x_train, data.y_train, last)
        self._measure(row, "test", recording.test, data.x_test, data.y_test, last)
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

    def history(self, n_steps: int, diverged_at_step: int | None = None) -> History:
        """Return the rows as a History."""
        columns: dict[str, Any] = {name: [row[name] for row in self.rows] for name in COLUMNS}
        return History(**columns, n_steps=n_steps, diverged_at_step=diverged_at_step)
