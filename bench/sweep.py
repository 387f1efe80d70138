"""The weight-scale sweep: 784 - 100 x 5 - 10, 16 weight scales, with and without normalization.

191 steps of 100 images each, drawn with replacement from the first 1,000; accuracy on all 1,000
after steps 1, 11, ... 191. All contenders start from the same draws and see the same batches.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import islice, pairwise, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench import limit, published_style
from bench.timing import HAS_TORCH, Contender, Result, compare
from normlab.data import Dataset, batches, load_mnist
from normlab.lab.engines import Engine, LocalWorkers
from normlab.network import MLPSpec, build_mlp
from normlab.training import Recording, TrainingConfig, train

SIZES = (784, 100, 100, 100, 100, 100, 10)
SCALES = tuple(float(scale) for scale in np.logspace(0, -4, 16))
MIDDLE = SCALES[5:9]
"""Scales at which neither network diverges, so that every contender does all of the work."""

ALL = "sweep, 16 scales"
"""The job of the whole."""

N_STEPS = 191
RECORDED = range(1, N_STEPS + 1, 10)

Trial = Callable[[float, bool], "Outcome"]


class Outcome(NamedTuple):
    """What one training came to."""

    accuracy: float  # at the last record
    diverged: bool


def run(quick: bool) -> list[Result]:
    """Time the sweep, and the part of it where nothing diverges."""
    with LocalWorkers(2) as workers:
        compare("sweep, warm-up", _contenders(MIDDLE[:2], workers), rounds=1)
        scales, rounds = (MIDDLE[:2], 2) if quick else (MIDDLE, 5)
        job = f"sweep, {len(scales)} middle scales"
        results = compare(job, _contenders(scales, workers), rounds=rounds)
        results += limit.results(job, SIZES, n_trainings=2 * len(scales))
        if not quick:
            contenders = _contenders(SCALES, workers)
            results += compare(ALL, contenders, rounds=3)
        return results


def _contenders(scales: Sequence[float], workers: Engine) -> list[Contender]:
    def in_turn(name: str, cores: int, trial: Trial) -> Contender:
        return Contender(name, cores, lambda: _summary(map(trial, *_trials(scales))))

    contenders = [
        in_turn("normlab", 1, normlab_trial),
        Contender("normlab, 2 workers", 2, lambda: _summary(_together(scales, workers))),
        in_turn("published style", 1, published_trial),
        in_turn("published style", 2, published_trial),
    ]
    if HAS_TORCH:
        contenders += [in_turn("PyTorch", cores, torch_trial) for cores in (1, 2)]
    return contenders


def _together(scales: Sequence[float], workers: Engine) -> list[Outcome]:
    trials = zip(*_trials(scales), strict=True)
    futures = [workers.submit(normlab_trial, *trial) for trial in trials]
    return [future.result() for future in futures]


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
