"""One point of a curve, measured in a process of its own, on one thread as in a worker.

``python -m bench.scaling_process JOB AT`` prints the seconds of each thing measured, and the most
memory that was ever resident.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from subprocess import check_output
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from bench.cnn_process import resident
from normlab import lab
from normlab.lab.config import DataConfig, TrialConfig
from normlab.lab.design import Design
from normlab.lab.engines import ONE_THREAD
from normlab.lab.experiment import Experiment
from normlab.lab.trial import compile_kernels, load_data, one_thread, run_trial
from normlab.network import MLPSpec, build_network
from normlab.training import Recording, Step, TrainingConfig, evaluate, train

ROOT = Path(__file__).parent.parent

HIDDEN, DEPTH, BATCH = 100, 5, 100
"""Of the MLP of ``weight-scale``, which each curve changes in one way."""

PATIENCE = 0.4
"""Seconds of steps, about."""

LEAST_STEPS, MOST_STEPS, WARM_UP = 5, 100, 3

SMALL = {
    "data.n_train": 200,
    "data.n_test": 200,
    "training.steps": 11,
    "factors.weight_scale.levels": [0.1, 0.01],
}
"""Of the experiment that grows by replicates: its trainings are not what is to be measured."""


def measured(job: str, at: int) -> tuple[dict[str, float], float | None]:
    """Return the seconds of each thing that ``job`` measures, and the process's peak memory."""
    command = [sys.executable, "-m", "bench.scaling_process", job, str(at)]
    seconds, megabytes = json.loads(check_output(command, cwd=ROOT, env=os.environ | ONE_THREAD))
    return seconds, megabytes


def sizes_of(job: str, at: int) -> tuple[int, ...]:
    """Return the layers of the MLP at a point."""
    width, depth = (at, DEPTH) if job == "width" else (HIDDEN, at if job == "depth" else DEPTH)
    return (784, *(width,) * depth, 10)


def replicated(at: int) -> Experiment:
    """Return the experiment of so many replicates."""
    return lab.load("weight-scale", {"replicates": at, **SMALL})


def _replicates(at: int) -> dict[str, float]:
    from normlab import figures, report  # here, for they take a second and memory

    experiment = replicated(at)
    design = Design(experiment)
    compile_kernels(design.one_of_each(range(len(design))))
    run_trial(design.config(0))
    with TemporaryDirectory() as folder:
        run, results = _timed(lambda: lab.run(experiment, folder, n_workers=1))

        def show() -> None:
            drawn = figures.draw_all(results, Path(folder))
            report.write_report(results, Path(folder), drawn)

        return {"run": run, "show": _timed(show)[0]}


def _network(job: str, at: int) -> dict[str, float]:
    config = _config(sizes_of(job, at), n_train=1000)
    times = _step_times(config, WARM_UP)
    n_steps = int(PATIENCE / times[-1])
    return {"step": median(_step_times(config, min(MOST_STEPS, max(LEAST_STEPS, n_steps))))}


def _images(at: int) -> dict[str, float]:
    config = _config(sizes_of("images", at), n_train=at)
    loading, data = _timed(lambda: load_data(config))
    _step_times(config, WARM_UP)
    epoch = sum(_step_times(config, at // BATCH))
    network = _trained(config)
    loss = config.training.make_loss()
    _, evaluation = (
        _timed(lambda: evaluate(network, loss, data.x_train, data.y_train))[0] for _ in range(2)
    )
    return {"load": loading, "epoch": epoch, "evaluation": evaluation}


def _config(sizes: tuple[int, ...], n_train: int) -> TrialConfig:
    nothing = Recording(first_step=1, train="never", test="never")
    return TrialConfig(
        data=DataConfig(n_train=n_train, n_test=1000),
        network=MLPSpec(sizes=sizes, normalization="batch"),
        training=TrainingConfig(
            steps=1, batch_size=BATCH, learning_rate=1e-3, replacement=True, recording=nothing
        ),
        seed=0,
        replicate=0,
    )


def _step_times(config: TrialConfig, n_steps: int) -> list[float]:
    """Return the seconds of so many steps, beside one before them."""
    moments: list[float] = []

    def note(step: Step) -> None:
        moments.append(perf_counter())

    training = replace(config.training, steps=n_steps + 1)
    network = build_network(config.network, rng=np.random.default_rng(0))
    train(network, load_data(config), training, rng=np.random.default_rng(1), callbacks=[note])
    return [b - a for a, b in pairwise(moments)]


def _trained(config: TrialConfig) -> Any:
    network = build_network(config.network, rng=np.random.default_rng(0))
    train(network, load_data(config), config.training, rng=np.random.default_rng(1))
    return network


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    found = work()
    return perf_counter() - start, found


def _measure(job: str, at: int) -> None:
    with one_thread():
        if job == "replicates":
            seconds = _replicates(at)
        else:
            seconds = _images(at) if job == "images" else _network(job, at)
    megabytes = resident("VmHWM") if sys.platform == "linux" else None
    print(json.dumps((seconds, megabytes)))


if __name__ == "__main__":
    _measure(sys.argv[1], int(sys.argv[2]))
