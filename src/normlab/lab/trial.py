"""One training, as a pure function of its configuration."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from time import perf_counter
from typing import Self

import numpy as np
from pydantic import model_validator
from threadpoolctl import threadpool_limits

from normlab.data import Dataset, load_mnist, one_hot
from normlab.lab.config import DataConfig, TrialConfig
from normlab.lab.model import Model
from normlab.lab.randomness import generator
from normlab.network import build_mlp
from normlab.training import History, Recording, TrainingConfig, train

SCHEMA = 1
"""Version of the stored form of a trial; another one means that it is computed again."""


class Columns(Model):
    """The columns of a History, of one length; NaN where nothing was recorded."""

    step: tuple[int, ...]
    epoch: tuple[int, ...]
    train_accuracy: tuple[float, ...]
    train_loss: tuple[float, ...]
    test_accuracy: tuple[float, ...]
    test_loss: tuple[float, ...]

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        lengths = {len(column) for _, column in self}
        if len(lengths) > 1 or lengths == {0}:
            raise ValueError(f"columns must have one length, at least 1, got {sorted(lengths)}")
        return self


class TrialResult(Model):
    """What a trial gave: the same bits wherever and whenever it runs."""

    schema_version: int = SCHEMA
    config: TrialConfig
    columns: Columns
    n_steps: int
    diverged_at_step: int | None

    def history(self) -> History:
        """Return the history of the training."""
        return History(
            **self.columns.model_dump(),
            n_steps=self.n_steps,
            diverged_at_step=self.diverged_at_step,
        )


def trial_id(config: TrialConfig) -> str:
    """Return the name of a trial: a hash of its resolved configuration."""
    tree = {"schema_version": SCHEMA, **config.model_dump(mode="json")}
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def run_trial(config: TrialConfig) -> TrialResult:
    """Train the network that ``config`` describes, and return what was recorded.

    The matrix products run on one thread: workers share the processor by trials, and their number
    cannot change a bit of the result.
    """
    data = _load(config.data, one_hot=_wants_one_hot(config.training))
    seed, replicate = config.seed, config.replicate
    with np.errstate(all="ignore"):  # weights beyond the largest float are a way to diverge
        network = build_mlp(config.network, rng=generator(seed, replicate, "initial weights"))
    with threadpool_limits(limits=1):
        rng = generator(seed, replicate, "batches")
        history = train(network, data, config.training, rng=rng)
    columns = {name: getattr(history, name).tolist() for name in Columns.model_fields}
    return TrialResult(
        config=config,
        columns=Columns.model_validate(columns),
        n_steps=history.n_steps,
        diverged_at_step=history.diverged_at_step,
    )


def compile_kernels(configs: Iterable[TrialConfig]) -> None:
    """Take one step with a tiny network of each form in ``configs``.

    That compiles the kernels they need into the cache on disk, once, before several workers would
    do it at the same time.
    """
    rows, labels = np.eye(4, dtype=np.float32), np.zeros(4, dtype=np.int64)
    forms = {}
    for config in configs:
        spec = replace(config.network, sizes=(4, 4, 4), weight_init=1.0)
        training = replace(
            config.training, steps=1, epochs=None, batch_size=4, recording=Recording()
        )
        forms[repr((spec, training.optimizer, training.loss))] = (spec, training)
    for spec, training in forms.values():
        y = one_hot(labels, 4) if _wants_one_hot(training) else labels
        rng = np.random.default_rng(0)
        train(build_mlp(spec, rng=rng), Dataset(rows, y, rows, y, 4), training, rng=rng)


def _wants_one_hot(training: TrainingConfig) -> bool:
    return training.loss == "squared_error"


def timed_trial(config: TrialConfig) -> tuple[TrialResult, float]:
    """Return the result of a trial and the seconds it took."""
    start = perf_counter()
    return run_trial(config), perf_counter() - start


@lru_cache(maxsize=2)
def _load(config: DataConfig, *, one_hot: bool) -> Dataset:
    """Load data once a worker."""
    return load_mnist(
        one_hot=one_hot, directory=config.directory, n_train=config.n_train, n_test=config.n_test
    )
