"""The weight-scale sweep: 784 - 100 x 5 - 10, 16 weight scales, with and without normalization.

191 steps of 100 images each, drawn with replacement from the first 1,000; accuracy on all 1,000
after steps 1, 11, ... 191. All contenders start from the same draws and see the same batches, and
the accuracies that they come to are the same.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import cache, partial
from itertools import islice, pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import limit, published_style
from bench.comparison import ONE_PROCESS
from bench.timing import HAS_JAX, HAS_TORCH, Contender, Result, compare, say
from normlab.data import Dataset, batches, load_mnist
from normlab.lab.engines import Engine, LocalWorkers
from normlab.network import MLPSpec, build_mlp
from normlab.training import Recording, TrainingConfig, train

if TYPE_CHECKING:
    from bench.jax_scan import JaxTrainer

SIZES = (784, 100, 100, 100, 100, 100, 10)
SCALES = tuple(float(scale) for scale in np.logspace(0, -4, 16))
MIDDLE = SCALES[5:9]
"""Scales at which neither network diverges, so that every contender does all of the work."""

LEARNING = SCALES[3]
"""A scale at which both networks learn, so that accuracies tell what was computed."""

TOLERANCE = 0.005
"""How far apart accuracies may be: rounding, which moves single images across the border."""

ALL = "sweep, 16 scales"
"""The job of the whole."""

N_STEPS = 191
RECORDED = range(1, N_STEPS + 1, 10)

Trial = Callable[[float, bool], "Outcome"]


class Outcome(NamedTuple):
    """What one training came to."""

    accuracy: float  # at the last record
    diverged: bool


class Team(NamedTuple):
    """A contender in processes of its own."""

    name: str
    trial: Trial
    workers: Engine


def run(quick: bool) -> list[Result]:
    """Time the sweep, and the part of it where nothing diverges."""
    with ExitStack() as stack:
        teams = [team._replace(workers=stack.enter_context(team.workers)) for team in _teams()]
        # One thread, for JAX in this process; workers, which have started, keep its usual ones.
        os.environ["PJRT_NPROC"] = "1"
        _check_agreement()  # which warms this process up
        results = _compilation() if HAS_JAX else []
        scales, rounds = (MIDDLE[:1], 1) if quick else (MIDDLE, 5)
        compare("sweep, warm-up", _in_teams(MIDDLE[:1], teams), rounds=1)
        job = f"sweep, {len(scales)} middle scale{'s' * (len(scales) > 1)}"
        results += compare(job, _contenders(scales, teams), rounds=rounds)
        results.append(limit.alone(job, SIZES, n_trainings=2 * len(scales), quick=quick))
        if not quick:
            results += compare(ALL, _contenders(SCALES, teams), rounds=3)
        return results


def _teams() -> list[Team]:
    """Return two workers for every contender, and for JAX a process that has its usual threads."""
    pairs = [Team(f"{name}, 2 workers", trial, LocalWorkers(2)) for name, trial in TRIALS.items()]
    alone = [Team("JAX" + ONE_PROCESS, TRIALS["JAX"], LocalWorkers(1))] if HAS_JAX else []
    return pairs + alone


def _contenders(scales: Sequence[float], teams: Sequence[Team]) -> list[Contender]:
    """Return all on one thread, and on two processors in each way, and what limits them."""

    def in_turn(name: str, cores: int, trial: Trial) -> Contender:
        return Contender(name, cores, lambda: _summary(map(trial, *_trials(scales))))

    alone = [in_turn(name, 1, trial) for name, trial in TRIALS.items()]
    usual = [
        in_turn(name + ONE_PROCESS, 2, trial)
        for name, trial in TRIALS.items()
        if name not in ("normlab", "JAX")
    ]
    large = limit.contenders(limit.training_work(SIZES, n_trainings=2 * len(scales)))
    return [*alone, *usual, *_in_teams(scales, teams), *large]


def _in_teams(scales: Sequence[float], teams: Sequence[Team]) -> list[Contender]:
    def together(team: Team) -> Contender:
        outcomes = partial(_together, team.trial, scales, team.workers)
        return Contender(team.name, 2, lambda: _summary(outcomes()))

    return [together(team) for team in teams]


def _together(trial: Trial, scales: Sequence[float], workers: Engine) -> list[Outcome]:
    trials = zip(*_trials(scales), strict=True)
    futures = [workers.submit(trial, *each) for each in trials]
    return [future.result() for future in futures]


def _check_agreement() -> None:
    """Raise where a peer's accuracies are not normlab's."""
    for normalized in (True, False):
        say(f"sweep, agreement {'with' if normalized else 'without'} normalization")
        found = {name: trial(LEARNING, normalized).accuracy for name, trial in TRIALS.items()}
        for name, accuracy in found.items():
            if abs(accuracy - found["normlab"]) > TOLERANCE:
                raise RuntimeError(f"{name} and normlab must compute the same, got {found}.")


def _compilation() -> list[Result]:
    """Return how long JAX compiled, which every process does once."""
    results = []
    for normalized, seconds in _jax_trainer().seconds.items():
        name = f"JAX, {'with' if normalized else 'without'} normalization"
        results.append(Result("sweep, compilation", name, 1, seconds, seconds, ""))
    return results


def _trials(scales: Sequence[float]) -> tuple[list[float], list[bool]]:
    pairs = list(product(scales, (True, False)))
    return [scale for scale, _ in pairs], [normalized for _, normalized in pairs]


def _summary(outcomes: Iterable[Outcome]) -> str:
    found = list(outcomes)
    mean = sum(outcome.accuracy for outcome in found) / len(found)
    return f"mean accuracy {mean:.3f}, {sum(o.diverged for o in found)} stopped"


def normlab_trial(scale: float, normalized: bool) -> Outcome:
    spec = MLPSpec(
        sizes=SIZES,
        normalization="batch" if normalized else "none",
        convention="book",
        weight_init=scale,
    )
    recording = Recording(first_step=1, test="never")
    config = TrainingConfig(steps=N_STEPS, replacement=True, recording=recording)
    network = build_mlp(spec, rng=np.random.default_rng(0))
    history = train(network, _images(), config, rng=np.random.default_rng(1))
    return Outcome(float(history.train_accuracy[-1]), history.diverged_at_step is not None)


def published_trial(scale: float, normalized: bool) -> Outcome:
    images = _images()
    x = _wide_images()
    with np.errstate(all="ignore"):
        accuracies = published_style.train(
            _weights(scale), normalized, x, images.y_train, _batches(), RECORDED
        )
    return Outcome(accuracies[-1], diverged=False)


def torch_trial(scale: float, normalized: bool) -> Outcome:
    from bench import torch_eager

    x, labels = torch_eager.tensors(_images())
    accuracies = torch_eager.train(_weights(scale), normalized, x, labels, _batches(), RECORDED)
    return Outcome(accuracies[-1], diverged=False)


def jax_trial(scale: float, normalized: bool) -> Outcome:
    accuracies = _jax_trainer().train(_weights(scale), normalized)
    return Outcome(accuracies[-1], diverged=False)


TRIALS: dict[str, Trial] = {
    "normlab": normlab_trial,
    "published style": published_trial,
    **({"PyTorch": torch_trial} if HAS_TORCH else {}),
    **({"JAX": jax_trial} if HAS_JAX else {}),
}


@cache
def _jax_trainer() -> "JaxTrainer":
    from bench.jax_scan import JaxTrainer

    return JaxTrainer(SIZES, _images(), _batches(), RECORDED)


@cache
def _images() -> Dataset:
    return load_mnist(n_train=1000, n_test=1)


@cache
def _wide_images() -> NDArray[np.float64]:
    return _images().x_train.astype(np.float64)


@cache
def _batches() -> list[NDArray[np.integer[Any]]]:
    draws = batches(1000, 100, replacement=True, rng=np.random.default_rng(1))
    return list(islice(draws, N_STEPS))


def _weights(scale: float) -> list[NDArray[np.float64]]:
    """Draw the weights that ``build_mlp`` draws."""
    rng = np.random.default_rng(0)
    return [scale * rng.standard_normal(shape) for shape in pairwise(SIZES)]
