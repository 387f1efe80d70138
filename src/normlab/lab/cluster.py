"""Trials on the workers of a Dask cluster, which has its own ways with workers that die."""

import logging
import pydoc
import re
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from time import monotonic
from typing import Any

from normlab._version import __version__
from normlab.errors import WorkerError
from normlab.lab.config import TrialConfig
from normlab.lab.engines import Death, Engine

CONNECT_SECONDS = 5.0
WORKERS_SECONDS = 10.0
LOST_SECONDS = 60.0
"""How long to wait: for the scheduler, for its first worker, and when all workers have gone."""

ADDRESS = r"((tcp|tls|wss?)://)?[^\s/:]+:\d{1,5}|((tcp|tls|wss?)://)?\[[^\s/]+\]:\d{1,5}"
"""Of a scheduler: what Dask would try for long, or fail over, is refused at once."""

VERSION = "normlab._version.__version__"

SECONDS_BETWEEN_COUNTS = 2.0

LOGGERS = ("distributed", "distributed.client", "tornado.application")


class Cluster(Engine):
    """The workers of a Dask scheduler: one trial at a time a process, whatever its threads.

    The scheduler sends the trials of a worker that died to others; ``KilledWorker`` tells that it
    has given one up.
    """

    def __init__(self, address: str) -> None:
        if not isinstance(address, str) or not re.fullmatch(ADDRESS, address):
            raise WorkerError(
                f"scheduler must be an address such as tcp://10.0.0.1:8786, got {address!r}."
                " Start one with: dask scheduler"
            )
        self.address = address
        self.name = f"Dask, {address}"
        self._killed, client = _distributed()
        self._levels = _hush()
        try:
            self._client = client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            _unhush(self._levels)
            raise WorkerError(
                f"{address}: no Dask scheduler answers there"
                f" ({_first_line(error)}). Start one with: dask scheduler"
            ) from None
        self._executor = self._client.get_executor(pure=False)
        try:
            self._check_workers()
        except BaseException:
            self.stop()
            raise
        self._n_workers, self._counted = self._count(), monotonic()
        self._worked = monotonic()

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Queue a call."""
        future: Future[Any] = self._executor.submit(function, *args)
        return future

    def n_slots(self) -> int:
        """Return two calls a worker, of those that there are now."""
        if monotonic() - self._counted > SECONDS_BETWEEN_COUNTS:
            self._n_workers, self._counted = self._count(), monotonic()
        return 2 * max(1, self._n_workers)

    def prepare(self, configs: Iterable[TrialConfig]) -> None:
        """Do nothing: what other machines compile is their own."""

    def death(self, error: BaseException) -> Death | None:
        """Return the deaths after which the scheduler has given a trial up."""
        if not isinstance(error, self._killed):
            return None
        return Death(error.allowed_failures + 1, f"at {error.last_worker.address}")

    def check(self) -> None:
        """Look whether scheduler and workers are there."""
        if self._count():
            self._worked = monotonic()
        elif monotonic() - self._worked > LOST_SECONDS:
            raise WorkerError(
                f"{self.address}: the cluster has no workers any more. What was finished is kept:"
                " the same command continues."
            )

    def stop(self) -> None:
        """Cancel what is under way, and leave the cluster as it was."""
        with suppress(OSError, RuntimeError):
            self._executor.shutdown(wait=False)
        with suppress(OSError, RuntimeError):
            self._client.close(timeout=CONNECT_SECONDS)
        _unhush(self._levels)

    def _count(self) -> int:
        try:
            return len(self._client.nthreads())
        except (OSError, RuntimeError) as error:
            raise WorkerError(
                f"{self.address}: the Dask scheduler has gone ({_first_line(error)}). What was"
                " finished is kept: the same command continues."
            ) from None

    def _check_workers(self) -> None:
        """Wait for a worker, and hold all to this version of normlab."""
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except OSError:
            raise WorkerError(
                f"{self.address}: has no workers (waited {WORKERS_SECONDS:.0f} s)."
                f" Start some with: dask worker {self.address}"
            ) from None
        # A function of Python's own, which a worker has whatever else it has not.
        there = self._client.run(pydoc.locate, VERSION, on_error="return")
        wrong = [
            f"{worker} has {f'normlab {v}' if isinstance(v, str) else 'no normlab'}"
            for worker, v in there.items()
            if v != __version__
        ]
        if wrong:
            raise WorkerError(
                f"{self.address}: every worker must have normlab {__version__},"
                f" got: {'; '.join(wrong)}."
            )


def _distributed() -> tuple[Any, Any]:
    """Return ``KilledWorker`` and ``Client``; the package is optional."""
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise WorkerError(
            "A cluster needs the package distributed: pip install 'normlab[cluster]'"
        ) from None
    return KilledWorker, Client


def _hush() -> dict[str, int]:
    """Silence what Dask logs about connections and workers; errors come as exceptions."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return levels


def _unhush(levels: dict[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
