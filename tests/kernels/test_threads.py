"""Threads: how many there are, who does what, and that they change no bit of a result."""

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from time import sleep
from typing import Any

import loky
import numba
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from kernels.shapes import LARGE, LARGE_MAP_SHAPES, LARGE_SHAPES, Array, rows
from normlab.errors import ArgumentError
from normlab.kernels import activations, batch_norm
from normlab.kernels import threads as threads_module
from normlab.kernels._compile import compiled
from normlab.kernels._team import (
    FEWEST_ELEMENTS,
    HELPERS,
    LEFT,
    LINE,
    READY,
    SHARES_A_THREAD,
    _load,
    _store,
    fit,
    help_out,
    new_team,
    shared_out,
)
from normlab.kernels.moments import moments
from normlab.kernels.threads import in_parallel, n_threads, threads

pytestmark = pytest.mark.skipif(
    min(numba.get_num_threads(), loky.cpu_count()) < 2, reason="needs two processors"
)


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_threads_set_the_number_inside_and_hold_blas_to_one() -> None:
    before = n_threads(), blas_threads()
    with threads(1):
        assert (n_threads(), blas_threads()) == (1, {1})
        with threads(2), pytest.raises(RuntimeError, match="on purpose"), threads(1):
            raise RuntimeError("on purpose")
        assert n_threads() == 1
    assert (n_threads(), blas_threads()) == before


def test_a_blas_that_is_loaded_later_is_held_to_one_too() -> None:
    program = """
from threadpoolctl import threadpool_info
from normlab.kernels.threads import threads
with threads(1):
    pass
import scipy.linalg
with threads(1):
    print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout == "{1}\n"


def test_blocks_that_overlap_in_two_threads_hold_blas_until_the_last_one_ends() -> None:
    before, entered, leave = blas_threads(), Event(), Event()

    def other() -> set[int]:
        with threads(1):
            entered.set()
            assert leave.wait(10)
            return blas_threads()

    with ThreadPoolExecutor(1) as second:
        with threads(1):
            found = second.submit(other)
            assert entered.wait(10)
        leave.set()
        assert found.result() == {1}
    assert blas_threads() == before


def test_without_a_number_there_are_as_many_as_before() -> None:
    with threads(1), threads():
        assert n_threads() == 1


@pytest.mark.parametrize("n", [0, -1, 1.0, True, "2"])
def test_a_number_that_is_none_is_refused(n: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^n must be an integer of at least 1, got "):
        threads(n).__enter__()


def test_more_threads_than_numba_has_are_refused() -> None:
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # made at run time
    message = rf"^n must be at most {most}, got {most + 1}\. NUMBA_NUM_THREADS, .* allows more\.$"
    with pytest.raises(ArgumentError, match=message):
        threads(most + 1).__enter__()


@shared_out
def mark(done: Array, first: int, stop: int) -> None:
    for i in range(first, stop):
        done[i] += 1


@shared_out
def longest_range(longest: Array, first: int, stop: int) -> None:
    longest[first] = stop - first


@shared_out
def meet(begun: Array, met: Array, first: int, stop: int) -> None:
    """Wait for the item of the other half, which can begin meanwhile only on another thread."""
    _store(begun, first, 1)
    for _ in range(2**28):
        if _load(begun, (first + begun.size // 2) % begun.size):
            met[first] = 1
            break


@shared_out
def run_out_of_memory(where: int, first: int, stop: int) -> None:
    if first <= where < stop:
        raise MemoryError


def share_out(kernel: Any, n: int, *arguments: Any) -> None:
    """Share out n items, one at a time, and wake who helps."""
    in_parallel(kernel, n, max(LARGE, n * LARGE // 8), *arguments)


@pytest.mark.parametrize("n_items", [0, 1, 2, 3, 50, 1001])
@pytest.mark.parametrize("n", [1, 2])
def test_every_item_is_done_once(n: int, n_items: int) -> None:
    done = np.zeros(n_items)
    with threads(n):
        share_out(mark, n_items, done)
        share_out(mark, n_items, done)
    assert done.tolist() == [2] * n_items


@pytest.mark.parametrize("n", [2, 2 * SHARES_A_THREAD])
def test_two_threads_are_at_work_at_once_each_on_its_own_half(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with threads(1):
        share_out(meet, n, np.ones(n, np.int64), np.zeros(n))  # compiled
    with threads(2):
        share_out(mark, n, np.zeros(n))  # so that there is a team
        test_a_helper_sleeps_when_no_work_comes()
        # On a busy machine the leader may have to wait longer than a helper does.
        monkeypatch.setattr(threads_module._TEAM, "_patience", 30 * threads_module._TEAM._patience)
        for pause in (0.0, 0.3, 0.0):  # helpers are awake, or asleep
            sleep(pause)
            met = np.zeros(n)
            share_out(meet, n, np.zeros(n, np.int64), met)
            assert met.tolist() == [1] * n


@pytest.mark.parametrize(("n", "size"), [(1, 100), (2, 1), (2, 2 * LARGE // 8 - 1)])
def test_one_thread_and_little_work_are_left_to_the_caller(n: int, size: int) -> None:
    longest = np.zeros(50)
    with threads(n):
        in_parallel(longest_range, 50, size if n > 1 else LARGE, longest)
    assert longest.max() == 50


def test_a_single_item_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    done, gathered = np.zeros(1), []
    monkeypatch.setattr(threads_module._TEAM, "gather", lambda *_, wake: gathered.append(wake))
    with threads(2):
        in_parallel(mark, 1, LARGE, done)
        assert (done.tolist(), gathered) == ([1], [])
        in_parallel(mark, 2, LARGE, np.zeros(2))
        assert gathered == [True]


@compiled
def fitted(team: Any, size: int) -> None:
    fit(team, size)


def test_a_work_within_a_pass_has_as_many_helpers_as_it_is_worth() -> None:
    team = new_team(8)
    team[READY] = 5
    for n in (0, 1, 2, 6, 9):
        fitted(team, n * FEWEST_ELEMENTS)
        assert team[HELPERS] == min(5, max(0, n - 1))


def test_a_thread_takes_a_share_at_a_time() -> None:
    longest = np.zeros(64)
    with threads(2):
        in_parallel(longest_range, 64, 4 * LARGE // 8, longest)
    assert set(longest.tolist()) == {0, 64 / (2 * SHARES_A_THREAD)}


@pytest.mark.parametrize("where", [0, 30, 49])
@pytest.mark.parametrize("n", [1, 2])
def test_where_memory_runs_out_the_caller_is_told(n: int, where: int) -> None:
    with threads(n):
        with pytest.raises(MemoryError):
            share_out(run_out_of_memory, 50, where)
        test_every_item_is_done_once(n, 50)


def test_a_helper_sleeps_when_no_work_comes() -> None:
    with threads(2):
        share_out(mark, 50, np.zeros(50))
    helping = threads_module._TEAM._helping[0]
    assert helping is not None
    helping.result(timeout=10)


def test_a_helper_that_has_left_is_asked_again_though_it_still_waits_for_the_interpreter() -> None:
    team = threads_module._Team()
    team.gather(1, wake=True)
    waiting: Future[None] = Future()  # as while Python code runs
    for left in (0, 1):
        team._helping[0] = waiting
        team.numbers[LEFT + LINE] = left
        team.gather(1, wake=True)
        assert (team._helping[0] is waiting) == (left == 0)


def test_a_helper_says_that_it_leaves() -> None:
    team = new_team(2)
    help_out(team, 1, 10, 1)
    assert team[LEFT + LINE] == 1


def test_where_no_thread_can_be_started_the_caller_does_all_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def submit(*arguments: Any) -> None:
        asked.append(arguments)
        raise RuntimeError("can't start new thread")

    team = threads_module._Team()
    team._set_up()
    monkeypatch.setattr(team._pool, "submit", submit)
    for _ in range(2):
        team.gather(1, wake=True)
        assert team.numbers[HELPERS] == 0
    assert len(asked) == 1


def test_the_room_of_a_team_is_that_of_the_threads_that_numba_started_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Numba reads its setting again from the environment, but has the threads it has."""
    room = threads_module._Team().numbers.size
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    assert threads_module._Team().numbers.size == room
    with threads(2):
        assert n_threads() == 2


ACTIVATIONS = activations.RELU, activations.SIGMOID, activations.TANH


def everything(x: Array, dy: Array, gamma: Array, n: int) -> dict[str, bytes]:
    with threads(n):
        found = moments(x)
        inv_std = batch_norm.inverse_std(found.var(), 1e-5)
        terms = batch_norm.terms(found.mean, inv_std, gamma, gamma, x.dtype)
        y = batch_norm.normalize(x, terms, relu=True)
        dx, d_gamma, d_beta = batch_norm.backward_batch(dy, x, terms, relu=True)
        outputs = [activations.forward(kind, x) for kind in ACTIVATIONS]
        pairs = zip(ACTIVATIONS, outputs, strict=True)
        outputs += [activations.backward(kind, dy, y) for kind, y in pairs]
    arrays = {"mean": found.mean, "M2": found.M2, "y": y, "dx": dx, "gamma": d_gamma}
    arrays |= {"beta": d_beta} | {f"activation {i}": array for i, array in enumerate(outputs)}
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", LARGE_SHAPES + LARGE_MAP_SHAPES)
def test_one_thread_and_two_give_the_same_bits(shape: tuple[int, ...], dtype: str) -> None:
    x, dy = rows(shape, dtype, seed=1, offset=3.0), rows(shape, dtype, seed=2)
    gamma = rows(shape[1:2], dtype, seed=3)
    alone, together = everything(x, dy, gamma, 1), everything(x, dy, gamma, 2)
    assert [name for name in alone if alone[name] != together[name]] == []


def test_large_and_small_batches_share_one_definition() -> None:
    """A batch just large enough for threads equals its blocks done one by one, to rounding."""
    x = rows(LARGE_SHAPES[1], "float64", seed=4)
    half = len(x) // 2
    whole, halves = moments(x), moments(x[:half]).merge(moments(x[half:]))
    np.testing.assert_allclose(halves.M2, whole.M2, rtol=1e-12)


def test_many_threads_may_call_kernels_at_once() -> None:
    x = np.ones(LARGE_SHAPES[0])
    with ThreadPoolExecutor(4) as callers:
        assert [m.count for m in callers.map(moments, [x] * 8)] == [len(x)] * 8


FORKED = """
import os
import numpy as np
from normlab.kernels.moments import moments
from normlab.kernels.threads import WAKE
x = np.ones((WAKE // 4, 4))
moments(x)
if child := os.fork():
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0)
else:
    os._exit(0 if moments(x).count == len(x) else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
def test_large_arrays_are_safe_after_a_fork() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.stdout == "True\n", done.stderr


def test_the_interpreter_ends_while_helpers_still_look_for_work() -> None:
    program = FORKED.partition("if child")[0]
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=100)
    assert done.returncode == 0


FIRST_CALLS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy as np
from normlab.kernels.moments import moments
from normlab.kernels.threads import WAKE
x, together = np.ones((WAKE // 4, 4)), Barrier(4)
def call(_):
    together.wait()
    return [moments(x).count for _ in range(20)]
with ThreadPoolExecutor(4) as callers:
    print(sum(map(sum, callers.map(call, range(4)))) == 80 * len(x))
"""

ENDING = """
import threading
from time import sleep
import numpy as np
from normlab.kernels.moments import moments
from normlab.kernels.threads import WAKE
x = np.ones((WAKE // 4, 4))
def forever():
    while True:
        moments(x)
moments(x)
threading.Thread(target=forever, daemon=True).start()
sleep(0.5)
"""

AT_EXIT = """
import atexit
import numpy as np
from normlab.kernels.moments import moments
from normlab.kernels.threads import WAKE
atexit.register(lambda: print(moments(np.ones((WAKE // 4, 4))).count == WAKE // 4))
"""


@pytest.mark.parametrize("program", [FIRST_CALLS, AT_EXIT], ids=["first calls", "at exit"])
def test_a_team_is_there_for_whoever_calls_first_and_last(program: str) -> None:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_program_ends_while_another_thread_goes_on_working() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], check=False, timeout=60)
    assert done.returncode == 0
