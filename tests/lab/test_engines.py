import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor

import loky
import pytest
from threadpoolctl import threadpool_info

from lab.parents import parent_running
from lab.tiny import is_gone
from normlab.errors import WorkerError
from normlab.lab.engines import (
    Engine,
    InProcess,
    LocalWorkers,
    local_engine,
    n_processors,
)


@pytest.fixture(scope="module")
def workers() -> Iterator[Engine]:
    with local_engine(2, 2) as engine:
        yield engine


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
    assert local_engine(1, 1).submit(os.getpid).result() == os.getpid()


def test_in_process_calls_are_done_at_once() -> None:
    assert InProcess().submit(divmod, 7, 2).done()


def test_in_process_errors_come_with_the_future() -> None:
    assert isinstance(InProcess().submit(divmod, 1, 0).exception(), ZeroDivisionError)


def test_an_interrupt_in_process_goes_through() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InProcess().submit(interrupt)


def test_workers_are_other_processes(workers: Engine) -> None:
    assert workers.submit(os.getpid).result() != os.getpid()


def test_workers_use_one_thread(workers: Engine) -> None:
    assert workers.submit(threads).result() == {1}


def test_what_a_worker_keeps_is_not_taken_for_a_leak(workers: Engine) -> None:
    assert workers.submit(os.getenv, "LOKY_MAX_MEMORY_LEAK_SIZE").result() == "1e15"


def test_workers_never_see_ctrl_c(workers: Engine) -> None:
    assert workers.submit(interrupts).result() == (True, True)


def test_starting_workers_leaves_ctrl_c_as_it_was(workers: Engine) -> None:
    workers.submit(os.getpid).result()
    assert interrupts() == (False, False)


def test_stopping_ends_workers_at_their_work() -> None:
    with local_engine(2, 2) as engine:
        pid = engine.submit(os.getpid).result()
        for _ in range(2):
            engine.submit(time.sleep, 60)
        start = time.monotonic()
    assert is_gone(pid)
    assert time.monotonic() - start < 10


def test_workers_that_cannot_be_started_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_semaphores(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(loky, "ProcessPoolExecutor", no_semaphores)
    with pytest.raises(WorkerError, match=r"cannot be started here .*Permission denied.*workers 1"):
        local_engine(2, 2)


def test_a_death_is_told_with_its_exit_code_and_can_be_mended() -> None:
    with local_engine(2, 2) as engine:
        error = engine.submit(os._exit, 7).exception()
        assert isinstance(error, BrokenExecutor)
        assert engine.death(error) == (1, "with exit code 7 (EXIT)")
        with pytest.raises(BrokenExecutor):
            engine.submit(os.getpid)
        engine.mend()
        assert engine.submit(os.getpid).result() != os.getpid()


def test_an_error_of_a_call_is_no_death(workers: Engine) -> None:
    error = workers.submit(divmod, 1, 0).exception()
    assert isinstance(error, ZeroDivisionError)
    assert workers.death(error) is None


def test_workers_that_die_as_they_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalWorkers(2) as engine:
        monkeypatch.setattr("normlab.lab.engines._start_worker", os._exit)
        with pytest.raises(WorkerError, match="die as they start, with exit code"):
            engine.mend()


def test_there_is_a_processor() -> None:
    assert 1 <= n_processors() <= (os.cpu_count() or 1)


PARENT = """
import os, time
from normlab.lab.engines import local_engine

engine = local_engine(2, 2)
print(engine.submit(os.getpid).result(), engine.submit(os.getpid).result(), flush=True)
time.sleep(60)
"""


def test_workers_end_when_their_parent_is_killed() -> None:
    with parent_running(PARENT) as parent:
        assert parent.stdout is not None
        workers = {int(pid) for pid in parent.stdout.readline().split()}
        parent.kill()
    patience = time.monotonic() + 10
    while not all(map(is_gone, workers)) and time.monotonic() < patience:
        time.sleep(0.1)
    assert all(map(is_gone, workers))
