import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor

import loky
import pytest
from threadpoolctl import threadpool_info

from lab.tiny import is_gone
from normlab.errors import WorkerError
from normlab.lab.engines import InProcess, local_workers, n_processors, stop


@pytest.fixture(scope="module")
def workers() -> Iterator[Executor]:
    executor = local_workers(2)
    yield executor
    stop(executor)


def threads() -> set[int]:
    """The numbers of threads that the libraries of this process would use."""
    import numba
    import numpy  # noqa: F401 - brings the BLAS that threadpoolctl then sees

    return {int(pool["num_threads"]) for pool in threadpool_info()} | {numba.get_num_threads()}


def interrupts() -> tuple[bool, bool]:
    """Whether Ctrl-C is held back, and whether it is ignored, in this process."""
    held_back = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return held_back, signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_one_worker_is_this_process() -> None:
    assert local_workers(1).submit(os.getpid).result() == os.getpid()


def test_in_process_calls_are_done_at_once() -> None:
    assert InProcess().submit(divmod, 7, 2).done()


def test_in_process_errors_come_with_the_future() -> None:
    assert isinstance(InProcess().submit(divmod, 1, 0).exception(), ZeroDivisionError)


def test_an_interrupt_in_process_goes_through() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InProcess().submit(interrupt)


def test_workers_are_other_processes(workers: Executor) -> None:
    assert workers.submit(os.getpid).result() != os.getpid()


def test_workers_use_one_thread(workers: Executor) -> None:
    assert workers.submit(threads).result() == {1}


def test_workers_never_see_ctrl_c(workers: Executor) -> None:
    assert workers.submit(interrupts).result() == (True, True)


def test_starting_workers_leaves_ctrl_c_as_it_was(workers: Executor) -> None:
    workers.submit(os.getpid).result()
    assert interrupts() == (False, False)


def test_stopping_ends_workers_at_their_work() -> None:
    executor = local_workers(2)
    pid = executor.submit(os.getpid).result()
    for _ in range(2):
        executor.submit(time.sleep, 60)
    start = time.monotonic()
    stop(executor)
    assert is_gone(pid)
    assert time.monotonic() - start < 10


def test_workers_that_cannot_be_started_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_semaphores(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(loky, "ProcessPoolExecutor", no_semaphores)
    with pytest.raises(WorkerError, match=r"cannot be started here .*Permission denied.*workers 1"):
        local_workers(2)


def test_there_is_a_processor() -> None:
    assert 1 <= n_processors() <= (os.cpu_count() or 1)


PARENT = """
import os, time
from normlab.lab.engines import local_workers

executor = local_workers(2)
print(executor.submit(os.getpid).result(), executor.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


def test_workers_end_when_their_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdout is not None
        workers = {int(pid) for pid in parent.stdout.readline().split()}
        parent.kill()
    patience = time.monotonic() + 10
    while not all(map(is_gone, workers)) and time.monotonic() < patience:
        time.sleep(0.1)
    assert all(map(is_gone, workers))
