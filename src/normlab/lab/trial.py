"""One training, as a pure function of its configuration."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from time import perf_counter
from typing import NamedTuple

import numpy as np

from normlab.data import Dataset
from normlab.data import one_hot as one_hot_rows
from normlab.data.pixels import Pixels
from normlab.errors import DataError
from normlab.kernels.dense import FEWEST_COLUMNS
from normlab.kernels.threads import threads
from normlab.lab.config import DataConfig, TrialConfig, digest
from normlab.lab.interrupts import put_off
from normlab.lab.randomness import generator
from normlab.lab.shared_data import stored
from normlab.lab.timings import Timing, timing
from normlab.network import MLPSpec, Network, NetworkSpec, build_network
from normlab.training import History, Recording, TrainingConfig, train
from normlab.training.probes.settings import Probes

_ONE_AT_A_TIME = Lock()
"""The worker of a cluster may have several threads, but the number of BLAS threads is one number
of the whole process, and so is the time of its processor."""


TINY_ROWS = 32
"""Enough for the kernels of large batches, which are others than those of small ones."""


class TrialResult(NamedTuple):
    """What a trial gave: the same bits wherever and whenever it runs."""

    config: TrialConfig
    history: History


def run_trial(config: TrialConfig) -> TrialResult:
    """Train the network that ``config`` describes, and return what was recorded.

    It runs on one thread: workers share the processor by trials, and their number cannot change a
    bit of the result.
    """
    _check_data(config)
    data = load_data(config)
    seed, replicate = config.seed, config.replicate
    with np.errstate(all="ignore"):  # weights beyond the largest float are a way to diverge
        network = build_network(config.network, rng=generator(seed, replicate, "initial weights"))
    with one_thread():
        rng = generator(seed, replicate, "batches")
        return TrialResult(config, train(network, data, config.training, rng=rng))


def load_data(config: TrialConfig) -> Dataset:
    """Return the data of a training, as rows or as images; it is loaded once a worker."""
    is_flat = isinstance(config.network, MLPSpec)
    return _load(config.data, flatten=is_flat, one_hot=_wants_one_hot(config.training))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread in this block."""
    with ExitStack() as stack:
        with put_off():  # libraries are asked for their threads, the first time
            stack.enter_context(threads(1))
        yield


def timed_trial(config: TrialConfig) -> tuple[TrialResult, Timing]:
    """Return the result of a trial, and how long it took."""
    with _ONE_AT_A_TIME:
        start = perf_counter()
        result = run_trial(config)
        return result, timing(perf_counter() - start, result.history.seconds_per_step)


def compile_kernels(configs: Iterable[TrialConfig]) -> None:
    """Take one step with a tiny network of each form in ``configs``.

    That compiles the kernels they need into the cache on disk, once, before several workers would
    do it at the same time.
    """
    for network, training, data in _tiny_trainings(configs):
        with put_off():
            train(network, data, training, rng=np.random.default_rng(0))


def compile_share(configs: Iterable[TrialConfig], share: int) -> None:
    """Compile one of two shares of these kernels, where there are many."""
    for network, training, _ in _tiny_trainings(configs):
        with put_off():
            network.compile_share(share)
            if share == 0:  # for the worker that compiles the other starts a second later
                training.make_optimizer().compiled_for(network.parameters, network.parameters)


def _tiny_trainings(
    configs: Iterable[TrialConfig],
) -> Iterator[tuple[Network, TrainingConfig, Dataset]]:
    """Yield a tiny network of each form, and how to train it on which data."""
    forms = {}
    for config in configs:
        spec = _tiny(config.network)
        training = replace(
            config.training,
            steps=1,
            epochs=None,
            batch_size=TINY_ROWS,
            recording=Recording(),
            probes=Probes(),
        )
        forms[repr((spec, training.optimizer, training.loss))] = (spec, training)
    for spec, training in forms.values():
        network = build_network(spec, rng=np.random.default_rng(0))
        yield network, training, _made_up(spec, training)


def _tiny(spec: NetworkSpec) -> NetworkSpec:
    """Return the smallest network that needs the same kernels."""
    if isinstance(spec, MLPSpec):
        return replace(spec, sizes=(FEWEST_COLUMNS, 4, 4), weight_init=1.0)
    maps, hidden = (2,) * len(spec.maps), (2,) * len(spec.hidden)
    return replace(spec, maps=maps, hidden=hidden, weight_init=1.0)


def _made_up(spec: NetworkSpec, training: TrainingConfig) -> Dataset:
    """Return a few rows that fit a network."""
    x = Pixels(np.zeros((TINY_ROWS, *spec.input_shape), np.uint8))
    labels = np.zeros(TINY_ROWS, np.int64)
    y = one_hot_rows(labels, spec.n_classes) if _wants_one_hot(training) else labels
    return Dataset(x, y, x, y, spec.n_classes)


def _wants_one_hot(training: TrainingConfig) -> bool:
    return training.loss == "squared_error"


def _check_data(config: TrialConfig) -> None:
    """Refuse data of another machine, or of another day, under the same path."""
    directory = config.data.directory
    if directory is not None and config.data_digest not in (None, digest(directory)):
        raise DataError(f"{directory} must hold the data that the run began with, got other files.")


@lru_cache(maxsize=2)
def _load(config: DataConfig, *, flatten: bool, one_hot: bool) -> Dataset:
    data = stored(config)
    x_train, x_test = (
        Pixels(x.reshape(len(x), -1) if flatten else x) for x in (data.x_train, data.x_test)
    )
    y_train, y_test = (
        one_hot_rows(y, data.n_classes) if one_hot else y for y in (data.y_train, data.y_test)
    )
    return Dataset(x_train, y_train, x_test, y_test, data.n_classes, data.name)
