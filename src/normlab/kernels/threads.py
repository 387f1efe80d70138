"""Work shared out among threads, and how many there are.

Kernels release the GIL, so that plain Python threads run them side by side. They sleep while there
is nothing to do: OpenMP's and BLAS's own threads go on spinning for milliseconds after their work,
and take the processor from whatever comes next. So BLAS is held to one thread, and large products
are shared out here like everything else.

What an item of work computes follows from the shapes alone; the number of threads decides only who
computes it, so that it changes no bit of a result.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import Any

import numba
from threadpoolctl import OpenBLASController, ThreadpoolController

from normlab import _checks

_LOCK = Lock()
_LIMITS: list[Any] = []
"""BLAS has one number of threads for the whole process: the first block limits it, and the last one
that ends gives it back, from whichever thread. The limit, and once more for each block."""


@contextmanager
def threads(n: int | None = None) -> Iterator[None]:
    """Compute on ``n`` threads in this block, and hold BLAS to one thread a product.

    Parameters
    ----------
    n
        At least 1, at most the number of processors that Numba sees (``NUMBA_NUM_THREADS``).
        Default: as many as there are now, at first all of them.

    Notes
    -----
    ``numba.set_num_threads`` sets the same number. The setting belongs to the calling thread; that
    of BLAS to the whole process, which holds it until the last such block has ended.

    Examples
    --------
    >>> with threads(1):
    ...     n_threads()
    1
    """
    before = n_threads()
    most = _most_threads()
    wanted = before if n is None else _checks.integer("n", n, at_least=1)
    remedy = "NUMBA_NUM_THREADS, set before the start, allows more."
    _checks.require(wanted <= most, "n", f"be at most {most}", wanted, remedy)
    numba.set_num_threads(wanted)
    try:
        with _blas_on_one_thread():
            yield
    finally:
        numba.set_num_threads(before)


def n_threads() -> int:
    """Return on how many threads kernels called from this thread compute."""
    return int(numba.get_num_threads())


def in_parallel(task: Callable[[int], object], n_items: int) -> None:
    """Call ``task(i)`` for each i below ``n_items``, on all threads; return when all are done.

    To wake a thread takes some 50 microseconds: worth it for milliseconds of work.
    """
    items = iter(range(n_items))  # its next is atomic: each goes to whichever thread comes first

    def work() -> None:
        for i in items:
            task(i)

    helpers: list[Future[None]] = []
    try:
        with suppress(RuntimeError):  # the interpreter shuts down: go on alone
            helpers += [_pool().submit(work) for _ in range(min(n_threads(), n_items) - 1)]
        work()
    finally:
        deque(items, maxlen=0)  # after an error, what has not begun does not begin
        running = [helper for helper in helpers if not helper.cancel()]
        wait(running)
    for helper in running:
        helper.result()


@contextmanager
def _blas_on_one_thread() -> Iterator[None]:
    """Hold BLAS to one thread until the last block of the process that asks for it has ended."""
    with _LOCK:
        if not _LIMITS:
            _LIMITS.append(_blas().limit(limits=1, user_api="blas"))
        _LIMITS.append(_LIMITS[0])
    try:
        yield
    finally:
        with _LOCK:
            _LIMITS.pop()
            if len(_LIMITS) == 1:
                OpenBLASController.clear_controlling_thread(force=True)
                _LIMITS.pop().restore_original_limits()
                OpenBLASController.clear_controlling_thread(force=True)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_most_threads(), "normlab")


def _most_threads() -> int:
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # made at run time
    return most


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads stay behind in the parent
