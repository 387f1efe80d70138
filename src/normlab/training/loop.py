"""The training loop."""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import NamedTuple

import numpy as np

from normlab import _checks
from normlab.data import Dataset, batches
from normlab.kernels.threads import threads
from normlab.network import Network
from normlab.training.config import TrainingConfig
from normlab.training.history import History
from normlab.training.probes.prober import Prober
from normlab.training.recorder import Recorder
from normlab.training.steps import StepsInTurn, compiled_steps
from normlab.training.stopwatch import Stopwatch


class Step(NamedTuple):
    """What a callback is told after each step."""

    step: int  # counted from 1
    n_steps: int  # that are planned
    objective: float  # of the step's batch, before the step
    row: dict[str, float] | None  # what was recorded right after the step, if anything


@threads()  # BLAS's own would go on spinning and take the processor from the next kernel
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
    in evaluation mode and change nothing; probes watch the passes of steps, and change nothing
    either.

    When the objective is not finite, training has diverged: that step is not taken, the network is
    measured a last time, and the history says where. (A last step that leads there shows in what is
    recorded right after it.) Overflow on the way is part of the result and
    prints no warnings.

    Parameters
    ----------
    network
        Changed in place: parameters and running statistics. ``data`` is cast to its dtype.
    data
        Rows and targets for training, and for the test measurements. Leave their arrays alone
        until training ends: what a callback writes into them may be seen or not. For rows that
        change from step to step write the loop yourself, with ``objective``.
    config
        How long, which batches, optimizer, loss, and what to record and to watch when.
    rng
        Generator of the batches; nothing else is drawn from it. What probes draw comes from one
        spawned from it. Batches are drawn ahead, so that a training that diverges has drawn more
        than it has taken.
    callbacks
        Functions called with a ``Step`` after each step, for progress.

    Raises
    ------
    ArgumentError
        Where an argument is of another kind or read-only, a batch without replacement has more
        rows than there are, the first record comes after the last step, or a label has no output.
    ShapeError
        Where rows or targets do not fit the network.
    BatchSizeError
        For batches of one row where there is batch normalization.

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
    _checks.instance("callbacks", callbacks, Iterable, "callbacks=[function] takes one of them.")
    callbacks = tuple(callbacks)
    for i, callback in enumerate(callbacks):
        _checks.require(callable(callback), f"callbacks[{i}]", "be a function", callback)
    n_rows, n_steps = len(data.x_train), config.n_steps(len(data.x_train))
    stopwatch = Stopwatch()
    recorder = Recorder(network, data, config, stopwatch)
    prober = Prober(network, config, n_rows, rng, stopwatch)
    optimizer = config.make_optimizer()
    in_turn = StepsInTurn(network, data, config, optimizer, prober)
    steps = compiled_steps(network, recorder.on_train.at_once, config, optimizer) or in_turn
    draws = batches(n_rows, config.batch_size, replacement=config.replacement, rng=rng)
    diverged_at_step = None
    most = 1 if callbacks else steps.most
    for first, last in _blocks(n_steps, recorder.due, prober.due, most):
        rows = draws.take(last + 1 - first)
        with np.errstate(all="ignore"):  # overflow is a result, and seen in the objective
            objectives = (in_turn if first in prober.due else steps).take(first, rows)
        step = first + len(objectives) - 1
        if not isfinite(objectives[-1]):
            recorder.record(step, rows[step - first], last=True)
            diverged_at_step = step
            break
        row = recorder.record_if_due(step, rows[-1])
        for callback in callbacks:
            callback(Step(step, n_steps, objectives[-1], row))
        if step == 1:
            stopwatch.start()
    return History(
        **recorder.columns(),
        n_steps=n_steps if diverged_at_step is None else step - 1,
        diverged_at_step=diverged_at_step,
        probed_steps=np.array(prober.steps, dtype=int),
        probes=prober.series(),
        seconds_per_step=stopwatch.seconds_each(step - 1),
    )


def _blocks(n_steps: int, recorded: range, probed: range, most: int) -> Iterator[tuple[int, int]]:
    """Yield first and last of the steps that are taken at once: at most so many.

    A block ends where something is recorded. The first step is one of its own, since the stopwatch
    starts behind it, and so is each that is probed.
    """
    first = 1
    for step in range(1, n_steps + 1):
        is_probed = step in probed or step + 1 in probed
        is_whole = step in (1, n_steps, first + most - 1)
        if is_whole or is_probed or step in recorded:
            yield first, step
            first = step + 1
