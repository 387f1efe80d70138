"""Where trials run: in this process, or in local worker processes. Both are Executors."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from threading import Thread
from time import sleep
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

SECONDS_BETWEEN_LOOKS = 0.5


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
            n_workers, initializer=_start_worker, initargs=(os.getpid(),), env=ONE_THREAD
        )
        with _interrupts_held_back():
            executor.submit(_nothing)  # processes start, and load this package, at the first call
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


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let processes that start meanwhile never see Ctrl-C, which reaches a terminal's every one.

    The parent alone decides what it means, and sees one that came meanwhile afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # starts a process of its own, and lets interrupts through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when its parent has ended, be it killed: nobody waits for the results."""
    while os.getppid() == parent:
        sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def _nothing() -> None:
    pass
