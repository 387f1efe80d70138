"""The time that the matrix products of the sweep need, were there nothing else.

A training step takes three products a dense layer (forward, d_weight, dx) but for dx of the
first; an evaluation takes one a layer, with 1,000 rows.
"""

from collections.abc import Callable
from itertools import pairwise
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bench.timing import Result, threads

Product = tuple[NDArray[np.float32], NDArray[np.float32]]

N_STEPS, BATCH, N_EVALUATIONS, N_IMAGES = 191, 100, 20, 1000


def results(job: str, sizes: tuple[int, ...], n_trainings: int) -> list[Result]:
    """Return the limits: the products themselves, and their work at the best possible speed."""
    products = _products(sizes)
    with threads(1):
        seconds = n_trainings * sum(n * _seconds(*pair) for n, pair in products)
    found = [Result(job, "limit: these products alone", 1, seconds, seconds, "")]
    work = n_trainings * sum(n * _flops(*pair) for n, pair in products)
    for cores in (1, 2):
        with threads(cores):
            a = _matrix(2000, 2000)
            speed = _flops(a, a) / _seconds(a, a)
        note = f"{work / 1e9:.0f} GFLOP at {speed / 1e9:.0f} GFLOP/s"
        name = "limit: as fast as large products"
        found.append(Result(job, name, cores, work / speed, work / speed, note))
    return found


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


def _seconds(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the seconds of the product, the best of ten bursts."""
    n_calls = max(1, round(2e9 / _flops(a, b)))
    return min(_burst(lambda: a @ b, n_calls) for _ in range(10))


def _burst(product: Callable[[], object], n_calls: int) -> float:
    start = perf_counter()
    for _ in range(n_calls):
        product()
    return (perf_counter() - start) / n_calls
