"""Where trials run: in this process, in local worker processes, or on a cluster (``cluster.py``).

All are a ``concurrent.futures`` executor underneath. They differ in how many trials they want at a
time, and in what the death of a worker does to the others.
"""

import os
import re
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future
from contextlib import AbstractContextManager, suppress
from threading import Thread
from time import sleep
from types import TracebackType
from typing import Any, NamedTuple

import loky

from normlab.errors import WorkerError
from normlab.lab.config import TrialConfig
from normlab.lab.interrupts import held_back
from normlab.lab.shared_data import SharedData
from normlab.lab.trial import compile_kernels, compile_share

THREAD_VARIABLES = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

ONE_THREAD = dict.fromkeys(THREAD_VARIABLES, "1")
"""A worker a processor, and one thread a worker: more would wait for each other."""

ENVIRONMENT = {**ONE_THREAD, "LOKY_MAX_MEMORY_LEAK_SIZE": "1e15"}
"""Of workers. What loky takes for a leak, and ends a worker for, is the data that it keeps."""

SECONDS_BETWEEN_LOOKS = 0.5


class Death(NamedTuple):
    """A worker died while it, or a worker beside it, was at a trial."""

    times: int
    how: str


class Engine(AbstractContextManager["Engine"], ABC):
    """Runs calls, some at a time. Leaving its context ends whatever it is at."""

    name: str

    @abstractmethod
    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start a call, or queue it. ``BrokenExecutor`` where that needs ``mend()`` first."""

    @abstractmethod
    def n_slots(self) -> int:
        """Return how many calls keep it busy: few, so that stopping wastes little."""

    def prepare(self, configs: Iterable[TrialConfig]) -> None:
        """Do once what every worker would have to do otherwise."""
        compile_kernels(configs)

    def death(self, error: BaseException) -> Death | None:
        """Return the death of a worker that ``error`` tells of, if it does."""
        return None

    def mend(self) -> None:
        """Be ready for calls again after a death. None is under way."""

    def check(self) -> None:
        """Raise ``WorkerError`` where what was submitted will never be done."""

    def stop(self) -> None:
        """End at once, with what is under way."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class InProcess(Engine):
    """Runs each call at once, in the caller's process."""

    name = "this process"

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Return a future that is done already."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def n_slots(self) -> int:
        """Return 1."""
        return 1


class LocalWorkers(Engine):
    """Processes on this machine. The death of one breaks whatever the others are at."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.name = f"{n_workers} local"
        self._executor: Any = None  # loky's
        self._data = SharedData()
        self._start()

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Queue a call."""
        future: Future[Any] = self._executor.submit(function, *args)
        return future

    def n_slots(self) -> int:
        """Return two calls a worker: the next one waits for none."""
        return 2 * self.n_workers

    def prepare(self, configs: Iterable[TrialConfig]) -> None:
        """Compile, and lay out the data for all."""
        configs = list(configs)
        for data in {config.data for config in configs}:
            self._data.lay_out(data)
        with suppress(BrokenExecutor):  # what kills a worker is seen again when trials run
            other = self.submit(compile_share, configs, 1)
            compile_share(configs, 0)
            other.result()
        super().prepare(configs)

    def death(self, error: BaseException) -> Death | None:
        """Return the death that broke the executor."""
        if not isinstance(error, BrokenExecutor):
            return None
        code = re.search(r"(\w+)\((-?\d+)\)", str(error))
        if code is None:
            return Death(1, f"with {type(error).__name__}: {str(error).splitlines()[0]}")
        return Death(1, f"with exit code {code[2]} ({code[1]})")

    def mend(self) -> None:
        """Start new processes; an error where they die of themselves."""
        self._kill()
        self._start()
        try:
            self._executor.submit(_nothing).result()
        except BrokenExecutor as error:
            how = self.death(error)
            raise WorkerError(
                f"Worker processes die as they start{f', {how.how}' if how else ''}. What was"
                " finished is kept: the same command continues; --workers 1 needs the least memory."
            ) from None

    def stop(self) -> None:
        """Kill the processes, and delete what was laid out for them."""
        self._kill()
        self._data.remove()

    def _kill(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)

    def _start(self) -> None:
        try:
            with held_back():
                self._executor = loky.ProcessPoolExecutor(
                    self.n_workers,
                    initializer=_start_worker,
                    initargs=(os.getpid(),),
                    env={**ENVIRONMENT, **self._data.environment()},
                )
                self._executor.submit(_nothing)  # processes start, and load this package
        except KeyboardInterrupt:
            self.stop()
            raise
        except OSError as error:  # no semaphores, as where /dev/shm cannot be written
            self._data.remove()
            raise WorkerError(
                f"Worker processes cannot be started here ({error}). Run in this process instead:"
                " --workers 1, in Python n_workers=1."
            ) from None


def local_engine(n_workers: int, n_calls: int) -> Engine:
    """Return an engine of so many worker processes, no more than calls; 1 is this process.

    One call that was to have several workers has one: it may kill its process.
    """
    return InProcess() if n_workers == 1 else LocalWorkers(min(n_workers, n_calls))


def n_processors() -> int:
    """Return the number of processors that this process may use."""
    return int(loky.cpu_count())


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
