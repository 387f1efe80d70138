"""Batch normalization in training mode against PyTorch's, float32.

Features are normlab's last axis; PyTorch gets its own two layouts of the same images, of which
the better is the one to compare with. A ReLU behind it is what a normalization mostly has:
normlab's ``Network`` runs both as one. Forward moves the running statistics in both; backward
gives the gradients of input, gamma and beta, through autograd in PyTorch. Every call makes new
output arrays.

The share of the memory's speed counts the bytes that move at least where an array does not fit into
the cache: x twice and y forward; x and dy twice and dx backward.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.timing import HAS_TORCH, Contender, Result, compare, keep_freed_memory
from normlab.layers import BatchNorm, ReLU
from normlab.network import Network

SHAPES = (
    (50, 28, 28, 32),
    (50, 14, 14, 64),
    (32, 56, 56, 64),
    (32, 14, 14, 256),
    (16, 112, 112, 64),
)
CORES = (1, 2)
BURST = 0.05

Array = NDArray[np.float32]


class Job(NamedTuple):
    """What is timed; its text is the job of its results, by which ``markdown`` finds them."""

    shape: tuple[int, ...]
    backward: bool
    relu: bool = False

    def __str__(self) -> str:
        words = ["forward", *(["ReLU"] if self.relu else []), *(["backward"] * self.backward)]
        return f"{' + '.join(words)} {self.shape}"

    @property
    def n_bytes(self) -> int:
        return 4 * int(np.prod(self.shape)) * (8 if self.backward else 3)


def run(quick: bool) -> list[Result]:
    """Time all shapes, forward and with backward."""
    keep_freed_memory()
    results = []
    for shape in SHAPES[:1] if quick else SHAPES:
        speeds = {cores: copy_speed(int(np.prod(shape)), cores) for cores in CORES}
        for backward, relu in product((False, True), (False, True)):
            job = Job(shape, backward, relu)
            found = compare(str(job), _contenders(job), rounds=2 if quick else 11, burst=BURST)
            results += [_with_speed(result, job, speeds[result.cores]) for result in found]
    return results


def _contenders(job: Job) -> list[Contender]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(job.shape, dtype=np.float32)
    dy = rng.standard_normal(job.shape, dtype=np.float32)
    return [
        contender
        for cores in CORES
        for contender in [_normlab(job, x, dy, cores), *_torch(job, x, dy, cores)]
    ]


def _normlab(job: Job, x: Array, dy: Array, cores: int) -> Contender:
    network = Network([BatchNorm(job.shape[-1]), *[ReLU()] * job.relu])

    def run() -> str:
        _, cache = network.forward(x, training=True)
        network.update_statistics(cache)
        if job.backward:
            network.backward(dy, cache)
        return ""

    return Contender("normlab", cores, run)


def _torch(job: Job, x: Array, dy: Array, cores: int) -> list[Contender]:
    if not HAS_TORCH:
        return []
    from bench import torch_eager

    steps = torch_eager.batch_norm_steps(x, dy, backward=job.backward, relu=job.relu)
    return [Contender(name, cores, step) for name, step in steps.items()]


def copy_speed(n_elements: int, cores: int) -> float:
    """Return the bytes a second that copying an array of this size reads and writes."""
    n_copies = max(1, 2**24 // n_elements)
    parts = [np.ones((2, n_elements // cores), dtype=np.float32) for _ in range(cores)]

    def copy(part: Array) -> None:
        for _ in range(n_copies):
            np.copyto(part[1], part[0])

    with ThreadPoolExecutor(cores) as pool:
        times = []
        for _ in range(10):
            start = perf_counter()
            list(pool.map(copy, parts))
            times.append(perf_counter() - start)
    return 8 * n_elements * n_copies / min(times)


def _with_speed(result: Result, job: Job, copying: float) -> Result:
    speed = job.n_bytes / result.seconds
    note = f"{speed / 1e9:5.1f} GB/s of {copying / 1e9:.0f}"
    return result._replace(note=note, share=speed / copying)
