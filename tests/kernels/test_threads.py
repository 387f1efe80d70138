"""Threads: how many there are, who does what, and that they change no bit of a result."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, current_thread
from time import sleep
from typing import Any

import numba
import numpy as np
import pytest
from threadpoolctl import threadpool_info

from kernels.shapes import LARGE, LARGE_MAP_SHAPES, LARGE_SHAPES, Array, rows
from normlab.errors import ArgumentError
from normlab.kernels import activations, batch_norm
from normlab.kernels.blocks import share_out
from normlab.kernels.moments import moments
from normlab.kernels.threads import in_parallel, n_threads, threads

pytestmark = pytest.mark.skipif(
    numba.get_num_threads() < 2, reason="needs two threads; this machine gives Numba one"
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


@pytest.mark.parametrize("n", [1, 2])
def test_every_item_is_done_once(n: int) -> None:
    done: list[int] = []
    with threads(n):
        in_parallel(done.append, 50)
    assert sorted(done) == list(range(50))


@pytest.mark.parametrize("failing", range(4))
def test_an_error_in_an_item_reaches_the_caller_after_the_others_have_ended(failing: int) -> None:
    begun: list[int] = []
    ended: list[int] = []

    def task(i: int) -> None:
        begun.append(i)
        sleep(0.01)
        ended.append(i)
        if i == failing:
            raise ArgumentError("on purpose")

    with threads(2), pytest.raises(ArgumentError, match="on purpose"):
        in_parallel(task, 4)
    assert sorted(begun) == sorted(ended)


def everything(x: Array, dy: Array, gamma: Array, n: int) -> dict[str, bytes]:
    with threads(n):
        found = moments(x)
        inv_std = batch_norm.inverse_std(found.var(), 1e-5)
        terms = batch_norm.terms(found.mean, inv_std, gamma, gamma, x.dtype)
        y = batch_norm.normalize(x, terms, relu=True)
        dx, d_gamma, d_beta = batch_norm.backward_batch(dy, x, terms, relu=True)
        rectified = activations.relu_forward(x)
        dx_relu = activations.relu_backward(dy, rectified)
    arrays = {"mean": found.mean, "M2": found.M2, "y": y, "dx": dx, "gamma": d_gamma}
    arrays |= {"beta": d_beta, "relu": rectified, "dx of relu": dx_relu}
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", LARGE_SHAPES + LARGE_MAP_SHAPES)
def test_one_thread_and_two_give_the_same_bits(shape: tuple[int, ...], dtype: str) -> None:
    x, dy = rows(shape, dtype, seed=1, offset=3.0), rows(shape, dtype, seed=2)
    gamma = rows(shape[1:2], dtype, seed=3)
    alone, together = everything(x, dy, gamma, 1), everything(x, dy, gamma, 2)
    assert [name for name in alone if alone[name] != together[name]] == []


def test_large_arrays_are_worked_on_by_all_threads_and_small_ones_by_the_caller() -> None:
    def names(n_elements: int) -> set[str]:
        seen, both = set(), Barrier(2)

        def task(first: int, stop: int) -> None:
            seen.add(current_thread().name)
            if n_elements >= LARGE:
                both.wait(timeout=10)

        with threads(2):
            share_out(np.empty(n_elements), 100, task)
        return seen

    assert names(LARGE - 1) == {current_thread().name}
    assert len(names(LARGE)) == 2


def test_shares_make_up_the_whole_once() -> None:
    found: list[int] = []
    with threads(2):
        share_out(np.empty(LARGE), 101, lambda first, stop: found.extend(range(first, stop)))
    assert sorted(found) == list(range(101))


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
from normlab.kernels._compile import PARALLEL_SIZE
from normlab.kernels.moments import moments
x = np.ones((PARALLEL_SIZE // 4, 4))
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
