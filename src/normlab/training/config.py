"""How to train and what to record, as plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from normlab import _checks
from normlab.errors import ArgumentError
from normlab.training.losses import Loss, SoftmaxCrossEntropy, SquaredError
from normlab.training.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from normlab.training.probes.settings import Probes

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}

LOSSES: dict[str, Callable[[], Loss]] = {
    "softmax_cross_entropy": SoftmaxCrossEntropy,
    "squared_error": SquaredError,
}

WHEN = ("always", "last", "never")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """At which steps accuracy and loss are measured, right after the step.

    Steps count from 1. Recorded are ``first_step``, every ``every``-th from there, and the step
    at which training diverges.

    Parameters
    ----------
    first_step
        Default: at the end of the first pass over the training data, or the last step if that
        comes sooner.
    every
        Steps between records. Default: those of one pass over the training data.
    train, test
        Which data is measured: ``"always"``, at the ``"last"`` record only, or ``"never"``.
        Default ``"always"``.
    batch
        ``"always"``: the step's own batch is measured too, in evaluation mode like the rest.
        Default ``"never"``.

    Raises
    ------
    ArgumentError
        Naming the field and the rule it breaks.
    """

    first_step: int | None = None
    every: int | None = None
    train: Literal["always", "last", "never"] = "always"
    test: Literal["always", "last", "never"] = "always"
    batch: Literal["never", "always"] = "never"

    def __post_init__(self) -> None:
        if self.first_step is not None:
            _checks.integer("first_step", self.first_step, at_least=1)
        if self.every is not None:
            _checks.integer("every", self.every, at_least=1)
        _checks.one_of("train", self.train, WHEN)
        _checks.one_of("test", self.test, WHEN)
        _checks.one_of("batch", self.batch, ("never", "always"))


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network is trained; ``dataclasses.asdict`` of it is JSON-able.

    Parameters
    ----------
    steps, epochs
        How long: exactly one of the two, >= 1. An epoch is as many steps as there are whole
        batches in the training data.
    batch_size
        Rows a step. Default 100.
    replacement
        Whether batches are drawn with replacement (from-scratch courses) or, the default, by
        shuffling all rows once a pass.
    optimizer
        ``"sgd"`` (default), ``"momentum"``, ``"nesterov"``, ``"adagrad"``, ``"rmsprop"``,
        ``"adam"`` or ``"adamw"``.
    learning_rate
        Step size, > 0. Default 0.01.
    optimizer_options
        Further arguments of the optimizer, such as ``{"momentum": 0.95}``.
    loss
        ``"softmax_cross_entropy"`` (default) or ``"squared_error"``.
    weight_decay
        L2: adds weight_decay / 2 sum(weight^2) to the objective; weights only. Default 0.
    recording
        What is measured and when.
    probes
        What is watched inside the network and when. Default: nothing.

    Raises
    ------
    ArgumentError
        Naming the field and the rule it breaks.
    """

    steps: int | None = None
    epochs: int | None = None
    batch_size: int = 100
    replacement: bool = False
    optimizer: Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = "sgd"
    learning_rate: float = 0.01
    optimizer_options: Mapping[str, float] = field(default_factory=dict)
    loss: Literal["softmax_cross_entropy", "squared_error"] = "softmax_cross_entropy"
    weight_decay: float = 0.0
    recording: Recording = field(default_factory=Recording)
    probes: Probes = field(default_factory=Probes)

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ArgumentError(
                "steps or epochs must be given, one of the two,"
                f" got steps={self.steps} and epochs={self.epochs}."
            )
        duration = "epochs" if self.steps is None else "steps"
        _checks.boolean("replacement", self.replacement)
        _checks.one_of("loss", self.loss, LOSSES)
        _checks.instance("optimizer_options", self.optimizer_options, Mapping)
        _checks.instance("recording", self.recording, Recording)
        _checks.instance("probes", self.probes, Probes)
        plain = {
            duration: _checks.integer(duration, getattr(self, duration), at_least=1),
            "batch_size": _checks.integer("batch_size", self.batch_size, at_least=1),
            "weight_decay": _checks.real("weight_decay", self.weight_decay, at_least=0),
            "learning_rate": self.make_optimizer().learning_rate,
            "optimizer_options": dict(self.optimizer_options),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)  # Python's own numbers, which JSON takes

    def make_optimizer(self) -> Optimizer:
        """Return a new optimizer, with state of its own."""
        _checks.one_of("optimizer", self.optimizer, OPTIMIZERS)
        try:
            return OPTIMIZERS[self.optimizer](self.learning_rate, **self.optimizer_options)
        except TypeError:
            raise ArgumentError(
                f"optimizer_options must be arguments of {self.optimizer!r},"
                f" got {dict(self.optimizer_options)}."
            ) from None

    def make_loss(self) -> Loss:
        """Return the loss."""
        return LOSSES[self.loss]()

    def steps_per_epoch(self, n_rows: int) -> int:
        """Return the number of whole batches in ``n_rows``, at least 1."""
        return max(1, n_rows // self.batch_size)

    def n_steps(self, n_rows: int) -> int:
        """Return the number of steps to take on ``n_rows`` training rows."""
        if self.steps is not None:
            return self.steps
        return (self.epochs or 0) * self.steps_per_epoch(n_rows)

    def recorded_steps(self, n_rows: int) -> range:
        """Return the steps after which something is recorded on ``n_rows`` training rows."""
        last = self.n_steps(n_rows)
        every = self.recording.every or self.steps_per_epoch(n_rows)
        first = self.recording.first_step or min(every, last)
        return range(first, last + 1, every)

    def probed_steps(self, n_rows: int) -> range:
        """Return the steps that are watched on ``n_rows`` training rows, none without probes."""
        if not self.probes.names:
            return range(0)
        every = self.probes.every or self.steps_per_epoch(n_rows)
        return range(self.probes.first_step, self.n_steps(n_rows) + 1, every)
