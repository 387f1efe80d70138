"""A whole training step of a convolutional network, and its evaluation, against PyTorch's.

A step is what a training loop does with a batch: forward, loss, backward, optimizer and running
statistics, all its allocations included. All contenders start from the same weights and see the
same batches; without dropout, whose masks differ, their losses are the same. PyTorch trains in
each of its memory layouts, of which the better is the one to compare with.
"""

from collections.abc import Callable
from functools import partial

from bench import cnn_memory
from bench.cnn import NormlabTrainer, Trainer, spec
from bench.timing import HAS_TORCH, Contender, Result, compare, keep_freed_memory
from normlab.network import CNNSpec

STEPS = {
    True: "CNN, training step with batch normalization",
    False: "CNN, training step without normalization",
}
EVALUATION = "CNN, evaluation of 10,000 images"

CORES = (1, 2)
BURST = 0.5

N_COMPARED = 3
TOLERANCE = 1e-4
"""Steps whose losses are compared, and how far apart, relatively: rounding that Adam's first steps
make larger."""


def run(quick: bool) -> list[Result]:
    """Time steps with and without batch normalization, and an evaluation."""
    keep_freed_memory()
    steps, evaluations = [], []
    for normalized, job in STEPS.items():
        alike = _trainers(spec(normalized, dropout=0))
        notes = _agreement(alike)
        contenders = _contenders(_trainers(spec(normalized, dropout=0.5)), _step)
        rounds, burst = (3, BURST / 2) if quick else (15, BURST)
        found = compare(job, contenders, rounds=rounds, burst=burst)
        found = [result._replace(note=notes[result.name]) for result in found]
        if normalized or not quick:
            found = [_with_memory(result, normalized) for result in found]
        steps += found
        if normalized:
            contenders = _contenders(alike, _evaluation)
            evaluations = compare(EVALUATION, contenders, rounds=1 if quick else 5)
    return steps + evaluations


def makers(network_spec: CNNSpec) -> dict[str, Callable[[], Trainer]]:
    """Return what makes each contender's trainer, by name."""
    found: dict[str, Callable[[], Trainer]] = {"normlab": partial(NormlabTrainer, network_spec)}
    if HAS_TORCH:
        from bench import torch_cnn

        for name, layout in torch_cnn.LAYOUTS.items():
            found[name] = partial(torch_cnn.TorchTrainer, network_spec, layout)
    return found


def _trainers(network_spec: CNNSpec) -> dict[str, Trainer]:
    return {name: make() for name, make in makers(network_spec).items()}


def _contenders(
    trainers: dict[str, Trainer], work: Callable[[Trainer], Callable[[], str]]
) -> list[Contender]:
    return [
        Contender(name, cores, work(trainer))
        for cores in CORES
        for name, trainer in trainers.items()
    ]


def _step(trainer: Trainer) -> Callable[[], str]:
    def run() -> str:
        trainer.step()
        return ""

    return run


def _evaluation(trainer: Trainer) -> Callable[[], str]:
    return lambda: f"accuracy {trainer.evaluate():.3f}"


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


def _with_memory(result: Result, normalized: bool) -> Result:
    if result.cores < max(CORES):
        return result
    megabytes = cnn_memory.measured(result.name, normalized, result.cores)
    if megabytes is None:
        return result
    return result._replace(note=f"{result.note}, {megabytes:.0f} MB", megabytes=megabytes)
