"""Work shared out among threads, and how many there are.

Kernels release the GIL, and several threads work on one of them (``_team``). After its work a
helper watches for more for a moment before it sleeps, so that in training none does. BLAS has
threads of its own, which would do the same and take the processor from these: it is held to one
thread, and large products are shared out here like everything else.

Each element of a result is computed in the same way wherever the work is cut and whoever computes
it, so that the number of threads changes no bit.
"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from threading import Lock
from timeit import repeat
from typing import Any

import numba
from numba.np.ufunc import parallel
from threadpoolctl import OpenBLASController, ThreadpoolController

from normlab import _checks
from normlab.kernels._team import (
    FEWEST_ELEMENTS,
    HELPERS,
    LEFT,
    LINE,
    READY,
    help_out,
    new_team,
)

MULTIPLICATIONS = 16
"""Those of a product in the time of one element."""

WAKE = 2**18
"""Elements from which on sleeping threads are woken, which takes 50 microseconds or more."""

PATIENCE = 3e-3
"""Seconds that a helper watches for work before it sleeps: more than between the large layers of a
network, and less than anybody notices."""

LOOKS, PROBES = 20_000, 5
"""How many looks are timed, to know how long one takes, and how often. The fastest counts: whatever
disturbs it would shorten patience as long as the process lives. (With a thirtieth of it, evaluating
a convolutional network took a quarter longer.)"""

MOST_WORKS = 1000
"""Works that a helper helps with before it must be asked again: or a program that ends while
another thread goes on working would wait for it."""

_ALONE = new_team(1)

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
    try:
        numba.set_num_threads(wanted)
        with _blas_on_one_thread():
            yield
    finally:
        numba.set_num_threads(before)


def n_threads() -> int:
    """Return on how many threads kernels called from this thread compute."""
    return int(numba.get_num_threads())


def in_parallel(kernel: Callable[..., None], n: int, size: int, *arguments: Any) -> None:
    """Call ``kernel(*arguments, first, stop)`` for ranges that together are range(n).

    On as many threads as there is work for, for a ``kernel`` from ``_team.shared_out``. ``size`` is
    how much: the elements that all items together take from memory, or could in the same time.
    """
    in_team(kernel, size if n > 1 else 0, n, *arguments)


def in_team(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """Return ``function(team, *arguments)`` of compiled code that shares out work of this size."""
    if size < 2 * FEWEST_ELEMENTS or n_threads() == 1 or _TEAM.lock.locked():
        return function(_ALONE, *arguments)  # so too where another thread leads the team
    with _TEAM.lock:  # (had it been acquired before, an interrupt could have left it locked)
        _TEAM.gather(min(n_threads(), size // FEWEST_ELEMENTS) - 1, wake=size >= WAKE)
        return function(_TEAM.numbers, *arguments)


class _Team:
    """The threads of this process, led by one thread at a time: the one that holds the lock."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, without helpers."""
        self.lock, self.numbers = Lock(), new_team(_most_threads())
        self._pool: ThreadPoolExecutor | None = None
        self._helping: list[Future[None] | None] = [None] * (_most_threads() - 1)
        self._patience = 0

    def gather(self, n_helpers: int, *, wake: bool) -> None:
        """Let so many helpers join the next works; wake those that sleep, or do without them."""
        if wake:
            try:
                self._wake(n_helpers)
            except RuntimeError:  # no thread can be started, or the interpreter shuts down
                self._helping.clear()  # from now on without
        self.numbers[HELPERS] = self.numbers[READY] = min(n_helpers, len(self._helping))

    def _wake(self, n_helpers: int) -> None:
        pool = self._pool or self._set_up()
        for me, helping in enumerate(self._helping[:n_helpers], 1):
            left = LEFT + me * LINE  # before its future is done, which waits for the GIL
            if helping is None or helping.done() or self.numbers[left]:
                self.numbers[left] = 0
                options = self.numbers, me, self._patience, MOST_WORKS
                self._helping[me - 1] = pool.submit(help_out, *options)

    def _set_up(self) -> ThreadPoolExecutor:
        from loky import cpu_count  # here, for it takes a tenth of a second

        most = min(_most_threads(), cpu_count())  # a container may have less than it sees
        probe = partial(help_out, new_team(2), 1, LOOKS, 1)
        probe()  # compiled
        self._patience = int(LOOKS * PATIENCE / min(repeat(probe, number=1, repeat=PROBES)))
        self._helping = [None] * (most - 1)
        self._pool = ThreadPoolExecutor(most, "normlab")
        return self._pool


@contextmanager
def _blas_on_one_thread() -> Iterator[None]:
    """Hold BLAS to one thread until the last block of the process that asks for it has ended."""
    with _LOCK:
        if not _LIMITS:
            _LIMITS.append(_blas(len(sys.modules)).limit(limits=1, user_api="blas"))
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


def _most_threads() -> int:
    # As Numba started with: its setting is read again from the environment, whenever it compiles.
    return int(parallel.NUM_THREADS)


@lru_cache(maxsize=1)
def _blas(n_imported: int) -> ThreadpoolController:
    # Found again where more has been imported since then: SciPy, for one, has a BLAS of its own.
    return ThreadpoolController()


def _after_fork() -> None:
    """Threads stay behind in the parent, and with them who held a lock."""
    global _LOCK
    _LOCK = Lock()
    _TEAM.forget()


_TEAM = _Team()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
