"""A whole training step of a convolutional network, and its evaluation, against PyTorch's.

A step is what a training loop does with a batch: forward, loss, backward, optimizer and running
statistics, all its allocations included. All contenders start from the same weights and see the
same batches; without dropout, whose masks differ, their losses are the same. PyTorch trains in
each of its memory layouts, of which the better is the one to compare with.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from bench import limit
from bench.cnn import BATCH, Trainer, make, operations, spec
from bench.cnn_process import Measured, measured
from bench.timing import HAS_TORCH, Contender, Result, compare, keep_freed_memory
from normlab.network import CNNSpec


class StepJob(NamedTuple):
    """What is timed."""

    normalized: bool
    kept: bool  # whether malloc is told to keep what is freed

    def __str__(self) -> str:
        kind = "with batch normalization" if self.normalized else "without normalization"
        return f"CNN, training step {kind}" + (", freed memory kept" if self.kept else "")


STEPS = (StepJob(True, False), StepJob(True, True), StepJob(False, False))
N_EVALUATED = 10_000
EVALUATION = "CNN, evaluation of {n:,} images"

NAMES = ("normlab", *(("PyTorch, contiguous", "PyTorch, channels_last") if HAS_TORCH else ()))
CORES = (1, 2)
CONTENDERS = [(name, cores) for cores in CORES for name in NAMES]

N_COMPARED = 3
TOLERANCE = 1e-4
"""Steps whose losses are compared, and how far apart, relatively: rounding that Adam's first steps
make larger."""


def run(quick: bool) -> list[Result]:
    """Time steps with and without batch normalization, and an evaluation."""
    results = []
    for job in STEPS[:1] if quick else STEPS:
        notes = _agreement(_trainers(spec(job.normalized, dropout=0)))
        rounds = 3 if quick else 25
        found = measured(CONTENDERS, job.normalized, kept=job.kept, rounds=rounds)
        results += _results(str(job), found, notes)
        results += limit.at_best(str(job), operations(BATCH, training=True))
    keep_freed_memory()
    n_images, rounds = (N_EVALUATED // 10, 1) if quick else (N_EVALUATED, 5)
    evaluation = EVALUATION.format(n=n_images)
    contenders = _evaluations(_trained(_trainers(spec(True, dropout=0))), n_images)
    results += compare(evaluation, contenders, rounds=rounds)
    return results + limit.at_best(evaluation, operations(n_images, training=False))


def _trainers(network_spec: CNNSpec) -> dict[str, Trainer]:
    return {name: make(name, network_spec) for name in NAMES}


def _trained(trainers: dict[str, Trainer]) -> dict[str, Trainer]:
    """Take a step with each, without which there is nothing to evaluate with, and warm up."""
    for trainer in trainers.values():
        trainer.step()
        trainer.evaluate(100)
    return trainers


def _results(job: str, found: Sequence[Measured], notes: dict[str, str]) -> list[Result]:
    """Return a result for each contender."""
    results = []
    for (name, cores), (seconds, megabytes) in zip(CONTENDERS, found, strict=True):
        note = notes[name] + ("" if megabytes is None else f", {megabytes:.0f} MB")
        times = median(seconds), min(seconds)
        results.append(Result(job, name, cores, *times, note, megabytes=megabytes))
    return results


def _evaluations(trainers: dict[str, Trainer], n_images: int) -> list[Contender]:
    def evaluation(trainer: Trainer) -> Callable[[], str]:
        return lambda: f"accuracy {trainer.evaluate(n_images):.3f}"

    return [
        Contender(name, cores, evaluation(trainer))
        for cores in CORES
        for name, trainer in trainers.items()
    ]


def _agreement(trainers: dict[str, Trainer]) -> dict[str, str]:
    """Take the first steps of all; return how far the losses of each are from normlab's."""
    losses = {
        name: [trainer.step() for _ in range(N_COMPARED)] for name, trainer in trainers.items()
    }
    notes = {"normlab": "float32"}
    for name in losses.keys() - notes.keys():
        pairs = zip(losses[name], losses["normlab"], strict=True)
        apart = max(abs(theirs - own) / own for theirs, own in pairs)
        if apart > TOLERANCE:
            raise RuntimeError(f"{name} and normlab must compute the same, got {losses}.")
        notes[name] = f"float32, fused Adam, losses within {apart:.0e}"
    return notes
