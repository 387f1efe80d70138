"""The time that matrix products need, were there nothing else.

A training step takes three products a layer (forward, d_weight, dx) but for dx of the first; in the
sweep an evaluation takes one a layer, with 1,000 rows. The best possible speed is that of NumPy's
own product of two large matrices, in float32, on as many cores.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bench.timing import Contender, Result, threads

Product = tuple[NDArray[np.float32], NDArray[np.float32]]

N_STEPS, BATCH, N_EVALUATIONS, N_IMAGES = 191, 100, 20, 1000

LARGE, N_BURSTS = 2000, 10

AS_LARGE = "limit: as fast as large products"


def alone(job: str, sizes: tuple[int, ...], n_trainings: int, *, quick: bool) -> Result:
    """Return how long the products of trainings take on one core, and nothing else."""
    products, n_bursts = _products(sizes), 2 if quick else N_BURSTS
    with threads(1):
        seconds = n_trainings * sum(n * _seconds(*pair, n_bursts) for n, pair in products)
    return Result(job, "limit: these products alone", 1, seconds, seconds, "")


def contenders(work: float) -> list[Contender]:
    """Return large products of so many operations, to be timed in turn with the trainings."""
    a = _matrix(LARGE, LARGE)
    n_products, rest = divmod(work, _flops(a, a))
    n_rows = round(rest / _flops(a[:1], a))

    def run() -> str:
        for _ in range(int(n_products)):
            a @ a
        a[:n_rows] @ a
        return f"{work / 1e9:.3g} GFLOP"

    return [Contender(AS_LARGE, cores, run) for cores in (1, 2)]


def training_work(sizes: tuple[int, ...], n_trainings: int) -> float:
    """Return the operations of trainings of the sweep."""
    return n_trainings * sum(n * _flops(*pair) for n, pair in _products(sizes))


def at_best(job: str, work: float, cores: Sequence[int] = (1, 2)) -> list[Result]:
    """Return how long so many operations take at the best possible speed."""
    found = []
    for n in cores:
        seconds = work / _best_speed(n)
        note = f"{work / 1e9:.3g} GFLOP at {_best_speed(n) / 1e9:.0f} GFLOP/s"
        found.append(Result(job, AS_LARGE, n, seconds, seconds, note))
    return found


@cache
def _best_speed(cores: int) -> float:
    """Return the operations a second of a large product."""
    a = _matrix(LARGE, LARGE)
    with threads(cores):
        return _flops(a, a) / _seconds(a, a, N_BURSTS)


def _products(sizes: tuple[int, ...]) -> list[tuple[int, Product]]:
    """Return the factors of each product of a training, and how often it is computed."""
    found = []
    for layer, (n_inputs, n_outputs) in enumerate(pairwise(sizes)):
        x, weight, dy = (
            _matrix(BATCH, n_inputs),
            _matrix(n_inputs, n_outputs),
            _matrix(BATCH, n_outputs),
        )
        found.append((N_STEPS, (x, weight)))
        found.append((N_STEPS, (x.T, dy)))
        if layer > 0:
            found.append((N_STEPS, (dy, weight.T)))
        found.append((N_EVALUATIONS, (_matrix(N_IMAGES, n_inputs), weight)))
    return found


def _matrix(n_rows: int, n_columns: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((n_rows, n_columns), dtype=np.float32)


def _flops(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return 2.0 * float(a.size * b.shape[1])


def _seconds(a: NDArray[np.float32], b: NDArray[np.float32], n_bursts: int) -> float:
    """Return the seconds of the product, the best of some bursts."""
    n_calls = max(1, round(2e9 / _flops(a, b)))
    return min(_burst(lambda: a @ b, n_calls) for _ in range(n_bursts))


def _burst(product: Callable[[], object], n_calls: int) -> float:
    start = perf_counter()
    for _ in range(n_calls):
        product()
    return (perf_counter() - start) / n_calls
