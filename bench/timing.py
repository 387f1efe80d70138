"""Interleaved rounds, thread counts, and the table of results."""

import ctypes
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from statistics import median
from time import perf_counter, sleep
from typing import NamedTuple

import numba
from threadpoolctl import threadpool_limits

HAS_TORCH, HAS_JAX = (find_spec(name) is not None for name in ("torch", "jax"))
"""A peer that is not installed is left out."""

PAUSE = 0.05
"""Seconds between two contenders: OpenMP's threads spin for a while after their last work, and
would take the processors from the next contender."""


class Contender(NamedTuple):
    """One way of doing a job."""

    name: str
    cores: int
    run: Callable[[], str]  # does the job, and may say in a few words what came out


class Result(NamedTuple):
    """How long a contender took for a job."""

    job: str
    name: str
    cores: int
    seconds: float  # median of the rounds
    fastest: float
    note: str  # what came out
    share: float | None = None  # of the memory's speed
    megabytes: float | None = None  # at the peak, beyond what stays


def keep_freed_memory() -> None:
    """Let freed memory stay with the process, which is glibc's to decide; elsewhere do nothing.

    Whether malloc hands it back, and pays for it again in page faults, is luck that would hide
    what is timed.
    """
    if sys.platform == "linux" and "glibc" in platform.libc_ver():
        trim_threshold, mmap_max = -1, -4  # malloc.h
        libc = ctypes.CDLL(None)
        libc.mallopt(trim_threshold, 2**30)
        libc.mallopt(mmap_max, 0)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let BLAS, Numba and PyTorch use ``n`` threads each."""
    usual = numba.get_num_threads()
    numba.set_num_threads(n)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n)
    with threadpool_limits(n, user_api="blas"):
        yield
    numba.set_num_threads(usual)


def compare(
    job: str, contenders: Sequence[Contender], *, rounds: int, burst: float = 0.0
) -> list[Result]:
    """Time all contenders in turn, ``rounds`` times over.

    A round repeats a contender for about ``burst`` seconds and takes the time of one call, after
    a few calls to warm up. Without ``burst`` it is called once, and the caller has warmed it up.
    """
    calls = [_calls(contender, burst) if burst else 1 for contender in contenders]
    times: list[list[float]] = [[] for _ in contenders]
    notes = [""] * len(contenders)
    for number in range(rounds):
        for i, contender in enumerate(contenders):
            say(f"{job}: round {number + 1} of {rounds}, {contender.name}, {contender.cores} cores")
            seconds, notes[i] = _time(contender, calls[i])
            times[i].append(seconds)
    return [
        Result(job, contender.name, contender.cores, median(own), min(own), note)
        for contender, own, note in zip(contenders, times, notes, strict=True)
    ]


def _calls(contender: Contender, burst: float) -> int:
    """Return how many calls of a warm contender fill a burst."""
    _time(contender, 2)
    return max(1, round(burst / _time(contender, 2)[0]))


def _time(contender: Contender, n_calls: int) -> tuple[float, str]:
    """Return the seconds of a call, and its note."""
    with threads(contender.cores):
        sleep(PAUSE)
        if n_calls > 1:
            contender.run()  # wakes the threads
        start = perf_counter()
        for _ in range(n_calls):
            note = contender.run()
        return (perf_counter() - start) / n_calls, note


def table(results: Sequence[Result]) -> str:
    """Return all results, with the ratios to normlab on as many cores."""
    lines, job = [], ""
    for result in results:
        if result.job != job:
            job = result.job
            heads = _line((job, "cores", "median s", "fastest s", "x normlab", "(fastest)", ""))
            lines += ["", heads, "-" * len(heads)]
        ours = next((r for r in results if _is_ours(r, result)), None)
        ratios = [""] * 2
        if ours is not None:
            ratios = [
                f"{result.seconds / ours.seconds:.2f}",
                f"{result.fastest / ours.fastest:.2f}",
            ]
        times = [f"{result.seconds:.4g}", f"{result.fastest:.4g}"]
        lines.append(_line((result.name, str(result.cores), *times, *ratios, result.note)))
    return "\n".join(lines)


def _is_ours(candidate: Result, result: Result) -> bool:
    same = (candidate.job, candidate.cores) == (result.job, result.cores)
    return same and candidate.name.startswith("normlab")


def _line(cells: Sequence[str]) -> str:
    name, *numbers, note = cells
    return f"{name:<36}" + "".join(f"{number:>11}" for number in numbers) + f"  {note}".rstrip()


def say(line: str) -> None:
    """Tell what is going on, on standard error."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{line:<78}", end=end, file=sys.stderr, flush=True)
