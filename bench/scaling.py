"""How time and memory grow: with workers, replicates, width, depth and the number of images.

Everything is measured on the MLP of ``weight-scale``, a few steps a point, each point in a process
of its own. A point's work is what should take its time, so that a step in a curve shows in the time
of a unit of work. Beside the curves: the same trainings in processes or in threads, and the memory
of a worker that trains on all of MNIST.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from bench.cnn_process import resident
from bench.command import against
from bench.points import Point
from bench.scaling_process import BATCH, measured, replicated, sizes_of
from bench.timing import Contender, Result, compare, say
from normlab import lab
from normlab.kernels.threads import threads
from normlab.lab.config import TrialConfig
from normlab.lab.design import Design
from normlab.lab.engines import Engine, LocalWorkers
from normlab.lab.randomness import generator
from normlab.lab.trial import load_data, timed_trial
from normlab.network import build_network
from normlab.training import train

REPLICATES = (1, 5, 20, 50)
WIDTHS = (50, 100, 200, 400, 800, 1600)
DEPTHS = (2, 5, 10, 20, 50)
IMAGES = (1_000, 5_000, 20_000, 60_000)

CURVES = {
    ("replicates", "run"): "run of small trials, by replicates",
    ("replicates", "show"): "figures and report, by replicates",
    ("width", "step"): "training step, by width",
    ("depth", "step"): "training step, by hidden layers",
    ("images", "load"): "loading, by training images",
    ("images", "epoch"): "an epoch, by training images",
    ("images", "evaluation"): "evaluation, by training images",
}

N_TRAININGS, FIRST, N_STEPS = 8, 14, 91
"""Of ``weight-scale``, from the first of some that do not diverge; half of its steps."""

BY_WORKERS = "trainings, by workers"
TOGETHER = f"{N_TRAININGS} trainings of weight-scale"
ONE_WORKER, TWO_WORKERS = "1 worker", "normlab, a worker a processor"
TWO_THREADS, ONE_PROCESS = "in turn, on 2 threads", "2 Python threads in a process"
WAYS = (ONE_WORKER, TWO_WORKERS, TWO_THREADS, ONE_PROCESS)

MEMORY, WORKER = "training an MLP on all of MNIST", "normlab, a worker of two"
MOST_MEGABYTES = 300.0
FULL = {"data.n_train": 60_000, "training.steps": 21}

Work = Callable[[str, int], tuple[float, str]]


class Memory(NamedTuple):
    """Of a process, in megabytes; zero but on Linux, which counts them."""

    peak: float  # resident, with what it shares with others
    own: float  # at the end, without


def run(quick: bool) -> list[Result | Point]:
    """Measure all curves, and what stands beside them."""
    together = ways(quick)
    return [*together, memory(), *by_workers(together), *curves(quick)]


def ways(quick: bool) -> list[Result]:
    """Time the same trainings in processes and in threads."""
    configs = _trainings(N_STEPS // 9 if quick else N_STEPS)
    with LocalWorkers(1) as one, LocalWorkers(2) as two:
        one.prepare(configs)
        contenders = [
            Contender(ONE_WORKER, 1, lambda: _in_workers(one, configs)),
            Contender(TWO_WORKERS, 2, lambda: _in_workers(two, configs)),
            Contender(TWO_THREADS, 2, lambda: _in_turn(configs)),
            Contender(ONE_PROCESS, 2, lambda: _in_python_threads(configs)),
        ]
        for contender in contenders:
            contender.run()  # loads data and kernels
        results = compare(TOGETHER, contenders, rounds=1 if quick else 5)
    return [r._replace(note=f"{len(configs) / r.seconds:.2f} a second") for r in results]


def _trainings(steps: int) -> list[TrialConfig]:
    design = Design(lab.load("weight-scale", {"replicates": 1, "training.steps": steps}))
    return [design.config(i) for i in range(FIRST, FIRST + N_TRAININGS)]


def _in_workers(workers: Engine, configs: Sequence[TrialConfig]) -> str:
    for future in [workers.submit(timed_trial, config) for config in configs]:
        future.result()
    return ""


def _in_turn(configs: Sequence[TrialConfig]) -> str:
    for config in configs:
        _training(config)
    return ""


def _in_python_threads(configs: Sequence[TrialConfig]) -> str:
    def on_one(config: TrialConfig) -> None:
        with threads(1):
            _training(config)

    # BLAS listens to the thread that limited it last, which ``compare`` has done in this one.
    with threads(1), ThreadPoolExecutor(2) as pool:
        list(pool.map(on_one, configs))
    return ""


def _training(config: TrialConfig) -> None:
    """Do what ``run_trial`` does, on as many threads as there are."""
    seed, replicate = config.seed, config.replicate
    network = build_network(config.network, rng=generator(seed, replicate, "initial weights"))
    rng = generator(seed, replicate, "batches")
    train(network, load_data(config), config.training, rng=rng)


def by_workers(together: Sequence[Result]) -> list[Point]:
    """Return the trainings in workers as a curve: what one worker has to do is its work."""
    own = [result for result in together if result.name in (ONE_WORKER, TWO_WORKERS)]
    return [
        Point(BY_WORKERS, r.cores, r.seconds, N_TRAININGS / r.cores, "trainings a worker")
        for r in own
    ]


def memory() -> Result:
    """Return the most memory of two workers that train on all images of MNIST."""
    say(MEMORY)
    design = Design(lab.load("weight-scale", {"replicates": 1, **FULL}))
    configs = [design.config(i) for i in range(FIRST, FIRST + 4)]
    with LocalWorkers(2) as workers:
        workers.prepare(configs)
        start = perf_counter()
        found = [workers.submit(_memory_after, config) for config in configs]
        used = max(future.result() for future in found)
        seconds = (perf_counter() - start) / len(configs)
    result = Result(MEMORY, WORKER, 2, seconds, seconds, "")
    if not used.peak:
        return result
    goal = against(MOST_MEGABYTES, used.peak, " MB")
    note = f"{used.peak:.0f} MB, {used.own:.0f} MB of them its own, {goal}"
    return result._replace(note=note, megabytes=used.peak)


def _memory_after(config: TrialConfig) -> Memory:
    timed_trial(config)
    if sys.platform != "linux":
        return Memory(0.0, 0.0)
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return Memory(resident("VmHWM"), own * 1024 / 1e6)


def curves(quick: bool) -> list[Point]:
    """Measure a point after the other, each in a process of its own."""
    few = 2 if quick else None
    return [
        *_points("replicates", REPLICATES[:few], _trials),
        *_points("width", WIDTHS[:few], products),
        *_points("depth", DEPTHS[:few], products),
        *_points("images", IMAGES[:few], _images),
    ]


def _points(job: str, where: Sequence[int], work: Work) -> list[Point]:
    """Return the points of all curves of a job, one curve after the other."""
    found = []
    for at in where:
        say(f"{job}: {at}")
        seconds, megabytes = measured(job, at)
        found += [
            Point(CURVES[job, what], at, s, *work(job, at), megabytes)
            for what, s in seconds.items()
        ]
    return sorted(found, key=lambda point: list(CURVES.values()).index(point.curve))


def _trials(job: str, at: int) -> tuple[float, str]:
    return replicated(at).n_trainings, "trials"


def _images(job: str, at: int) -> tuple[float, str]:
    return at, "images"


def products(job: str, at: int) -> tuple[float, str]:
    """Return the operations of a step's matrix products: three a layer, but two of the first."""
    sizes = sizes_of(job, at)
    sums = sum(3 * n_inputs * n_outputs for n_inputs, n_outputs in pairwise(sizes))
    return 2e-9 * BATCH * (sums - sizes[0] * sizes[1]), "GFLOP"
