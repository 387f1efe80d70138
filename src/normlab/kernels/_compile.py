"""How kernels are compiled: the flags, and the size of a block, in one place.

Of the fast-math flags only ``contract`` (fused multiply-add) is on. ``nnan`` and ``ninf`` would
assume away the NaN and infinity that a laboratory must record; ``reassoc`` would undo the
subtraction of a pivot that makes the moments exact.

Compiled kernels lie in ``__pycache__`` and are compiled again when their own file changes; after a
change here, delete them (``*.nbi``, ``*.nbc``).
"""

import os
from collections.abc import Callable
from threading import Event, Lock
from typing import Any, TypeVar, cast

import numba

from normlab._typing import FloatArray

F = TypeVar("F", bound=Callable[..., Any])

FLAGS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract"},
    "nogil": True,
}

BLOCK_BYTES = 64 * 1024
"""Rows are worked on in blocks that stay in the cache between two passes."""

MIN_BLOCK_ROWS = 16

PARALLEL_SIZE = 2**20
"""Elements from which on several threads work on an array.

On idle processors two threads pay from 2**18 on. But where another program wants one of them, a
thread that has to wait for it holds the others up for 4 to 8 ms, ten times what an array of 2**20
elements takes on one thread.
"""

_ALONE = Lock()

_FORKED = Event()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_FORKED.set)


def compiled(function: F) -> F:
    """Compile a kernel that runs on one thread."""
    return _compiled(function, parallel=False)


def compiled_parallel(function: F) -> F:
    """Compile a kernel whose ``prange`` loops run on all of Numba's threads.

    One at a time: Numba's simplest threading layer ends a process that starts two at once.
    """
    kernel = _compiled(function, parallel=True)

    def alone(*args: Any) -> None:
        with _ALONE:
            kernel(*args)

    return cast(F, alone)


def _compiled(function: F, *, parallel: bool) -> F:
    kernel: F
    try:
        kernel = numba.njit(parallel=parallel, cache=True, **FLAGS)(function)
    except RuntimeError:
        # No folder can be written: compile again in each process rather than not at all.
        kernel = numba.njit(parallel=parallel, **FLAGS)(function)
    return kernel


def is_large(x: FloatArray) -> bool:
    """Return whether ``x`` is to be worked on by all threads.

    Not in a forked process: OpenMP's threads are left behind in the parent, and using them again
    would end the child.
    """
    return x.size >= PARALLEL_SIZE and not _FORKED.is_set()


def block_rows(n_features: int, itemsize: int) -> int:
    """Rows a block. It follows from the shape alone, so that results do not depend on threads."""
    rows = BLOCK_BYTES // max(1, n_features * itemsize)
    return max(MIN_BLOCK_ROWS, rows // 8 * 8)
