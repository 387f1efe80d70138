"""Where trials run: in this process, or in local worker processes. Both are Executors."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import loky

from normlab.errors import WorkerError

THREAD_VARIABLES = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")
"""A worker a processor, and one thread a worker: more would wait for each other."""


class InProcess(Executor):
    """Runs each call at once, in the caller's process."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done already."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def local_workers(n_workers: int) -> Executor:
    """Return an executor of ``n_workers`` processes, or this process where it is 1."""
    if n_workers == 1:
        return InProcess()
    try:
        executor: Executor = loky.ProcessPoolExecutor(
            max_workers=n_workers, initializer=_start_worker, env=ONE_THREAD
        )
    except OSError as error:  # no semaphores, as where /dev/shm cannot be written
        raise WorkerError(
            f"Worker processes cannot be started here ({error}). Run in this process instead:"
            " --workers 1, in Python n_workers=1."
        ) from None
    return executor


def stop(executor: Executor) -> None:
    """End an executor at once, with what it is working on."""
    if isinstance(executor, InProcess):
        return
    executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]  # loky's own


def n_processors() -> int:
    """Return the number of processors that this process may use."""
    return int(loky.cpu_count()) or os.cpu_count() or 1


def _start_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
