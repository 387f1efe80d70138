"""How long an experiment takes here, measured on a few of its steps and evaluations.

Trainings that differ only in their initial weights and learning rate take the same time, so one of
each form is measured: some steps, some evaluated rows, some probed steps, on one thread as in a
worker. Of many forms a few are, drawn from the whole grid.
"""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from time import perf_counter
from typing import NamedTuple

import numpy as np

from normlab.data import Dataset
from normlab.lab.config import TrialConfig
from normlab.lab.design import Design
from normlab.lab.engines import local_engine, n_processors
from normlab.lab.experiment import Experiment
from normlab.lab.identity import trial_id
from normlab.lab.trial import TINY_ROWS, load_data, one_thread
from normlab.network import CNNSpec, Network, build_network
from normlab.training import Probes, Recording, TrainingConfig, train
from normlab.training.metrics import Evaluator

SECONDS = 2.0
"""What measuring takes at most, nearly, beside loading data and compiling."""

MAX_FORMS = 24
WARM_UP_STEPS = 2
PILOT_STEPS = 10
EVALUATED_ROWS = 3000


class Estimate(NamedTuple):
    """How long trainings take; those that diverge end sooner."""

    seconds_per_trial: float  # on one processor, the mean over all trials
    seconds: float  # of all trials, with so many workers
    n_workers: int


def estimate(
    experiment: Experiment,
    *,
    n_workers: int | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Estimate:
    """Measure for some seconds in ``n_workers``, and return how long all trials take in them.

    Their start, compiling and drawing are not in it. ``on_progress`` is called with the number of
    measurements that are done, and of all.
    """
    design = Design(experiment)
    workers = min(n_workers or n_processors(), len(design))
    forms = _forms(design)
    measured = forms * ceil(workers / len(forms))  # no worker is idle: they share caches
    patience = SECONDS * workers / len(measured)
    seconds: list[float] = []
    with local_engine(workers, len(measured)) as engine:
        engine.prepare(form for form, _ in forms)  # while workers load their code
        for future in [engine.submit(seconds_of, form, patience) for form, _ in measured]:
            on_progress(len(seconds), len(measured))
            seconds.append(future.result())
    on_progress(len(seconds), len(measured))
    each = float(np.average(seconds, weights=[count for _, count in measured]))
    return Estimate(each, each * ceil(len(design) / workers), workers)


def seconds_of(config: TrialConfig, patience: float) -> float:
    """Return how long a training takes on one thread, from ``patience`` seconds of it or so."""
    data = load_data(config)
    start = perf_counter()
    network = build_network(config.network, rng=np.random.default_rng(0))
    building = perf_counter() - start
    with one_thread():
        parts = _steps(network, data, config.training, patience / 2)
        return building + parts + _evaluations(network, data, config.training)


def _steps(network: Network, data: Dataset, config: TrainingConfig, patience: float) -> float:
    """Return the seconds of all steps, those that probes watch among them."""
    n_rows = len(data.x_train)
    n_steps, n_probed = config.n_steps(n_rows), len(config.probed_steps(n_rows))
    nothing = Recording(train="never", test="never")
    plain = replace(config, steps=1, epochs=None, recording=nothing)
    unwatched = replace(plain, probes=Probes())
    step = _measured(network, data, unwatched, n_steps, patience)
    if not n_probed:
        return n_steps * step
    watched = replace(plain, probes=replace(config.probes, first_step=1, every=1))
    probed = _measured(network, data, watched, n_probed, patience)
    return (n_steps - n_probed) * step + n_probed * probed


def _measured(
    network: Network, data: Dataset, config: TrainingConfig, n_steps: int, patience: float
) -> float:
    """Return the seconds of a step, from as many of ``n_steps`` as there is patience for."""
    _each(network, data, config, min(n_steps, WARM_UP_STEPS))  # which load the kernels
    step = _each(network, data, config, min(n_steps, PILOT_STEPS))
    return _each(network, data, config, _fitting(patience, step, n_steps))


def _each(network: Network, data: Dataset, config: TrainingConfig, n_steps: int) -> float:
    """Return the seconds of a step, the mean of some."""
    config = replace(config, steps=n_steps)
    start = perf_counter()
    train(network, data, config, rng=np.random.default_rng(0))
    return (perf_counter() - start) / n_steps


def _fitting(patience: float, seconds: float, n_steps: int) -> int:
    """Return how many steps of so many seconds fit, at least one and at most all."""
    return max(1, min(n_steps, int(patience / seconds)))


def _evaluations(network: Network, data: Dataset, config: TrainingConfig) -> float:
    """Return the seconds of all measuring of accuracy and loss."""
    recording, n_records = config.recording, len(config.recorded_steps(len(data.x_train)))
    times = {"always": n_records, "last": 1, "never": 0}
    n_rows = (
        times[recording.train] * len(data.x_train)
        + times[recording.test] * len(data.x_test)
        + times[recording.batch] * config.batch_size
    )
    parts = (data.x_train, data.y_train), (data.x_test, data.y_test)
    x, target = (rows[:EVALUATED_ROWS] for rows in max(parts, key=lambda part: len(part[0])))
    loss = config.make_loss()
    Evaluator(network, loss, x[:TINY_ROWS], target[:TINY_ROWS])()  # which loads the kernels
    evaluator = Evaluator(network, loss, x, target)
    start = perf_counter()
    evaluator()
    return n_rows * (perf_counter() - start) / len(x)


def _forms(design: Design) -> list[tuple[TrialConfig, int]]:
    """Return the trainings to measure, and how many trials of a replicate each stands for."""
    forms: dict[str, tuple[TrialConfig, int]] = {}
    for config in map(_form, design.one_of_each(range(len(design)))):
        key = trial_id(config)
        forms[key] = (config, forms[key][1] + 1 if key in forms else 1)
    all_forms = list(forms.values())
    order = np.random.default_rng(0).permutation(len(all_forms))
    return [all_forms[i] for i in order[:MAX_FORMS]]


def _form(config: TrialConfig) -> TrialConfig:
    """Return a training that takes the same time, and does not diverge."""
    network = replace(config.network, weight_init="he")
    if isinstance(network, CNNSpec):
        network = replace(network, gamma_init="ones", beta_init="zeros")
    training = replace(config.training, learning_rate=1e-3)
    return config.model_copy(update={"network": network, "training": training})
