"""Training steps of contenders, each in a process of its own: how long they take, and their memory.

What a step allocates and frees again is part of its time, and how much of it depends on what else
the process does. So each contender has one with nothing else in it, with malloc as it comes or, to
see what that costs, with malloc told to keep all that is freed. They take a few steps each in turn,
over and over: on a machine that others use too, what is slow for one is then slow for all.

Memory is the most that is resident during the steps, less what is before them: parameters and the
optimizer's state, and the libraries with all that they load, since a few steps with two images have
been taken.
"""

import ctypes
import json
import platform
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from time import perf_counter
from typing import Any, NamedTuple

from bench.cnn import make, spec
from bench.timing import keep_freed_memory, say, threads

ROOT = Path(__file__).parent.parent

N_WARM_UP, N_STEPS = 5, 6


class Measured(NamedTuple):
    """What a process found."""

    seconds: list[float]  # of a step, the median of each round
    megabytes: float | None  # None but on Linux, which counts them


def measured(
    contenders: Sequence[tuple[str, int]], normalized: bool, *, kept: bool, rounds: int
) -> list[Measured]:
    """Return the time and memory of the steps of contenders, each a name and a number of cores."""
    processes = []
    for name, cores in contenders:
        say(f"training steps, {name}, {cores} cores")
        processes.append(_start(name, normalized, cores, kept))
    for process in processes:
        _answer(process)  # once it is warm
    seconds: list[list[float]] = [[] for _ in processes]
    for i in range(rounds):
        say(f"training steps, round {i + 1} of {rounds}")
        for process, own in zip(processes, seconds, strict=True):
            process.stdin.write("\n")
            process.stdin.flush()
            own.append(_answer(process))
    return [Measured(*pair) for pair in zip(seconds, map(_end, processes), strict=True)]


def _start(name: str, normalized: bool, cores: int, kept: bool) -> Any:
    options = [name, str(int(normalized)), str(cores), str(int(kept))]
    command = [sys.executable, "-m", "bench.cnn_process", *options]
    return Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True)


def _answer(process: Any) -> Any:
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{' '.join(process.args)} ended with {process.wait()}.")
    return json.loads(line)


def _end(process: Any) -> Any:
    process.stdin.close()
    megabytes = _answer(process)
    process.wait()
    return megabytes


def _serve(name: str, normalized: bool, cores: int, kept: bool) -> None:
    """Take a round of steps for each line of stdin."""
    if kept:
        keep_freed_memory()
    trainer = make(name, spec(normalized, dropout=0.5))
    with threads(cores):
        batches = trainer.rows
        trainer.rows = (rows[:2] for rows in islice(batches, 3))
        _steps(trainer, 3)
        before = begin_counting()
        trainer.rows = batches
        _steps(trainer, N_WARM_UP)
        print("null", flush=True)
        for _ in sys.stdin:
            print(json.dumps(median(_steps(trainer, N_STEPS))), flush=True)
    print(json.dumps(None if before is None else resident("VmHWM") - before))


def _steps(trainer: Any, n: int) -> list[float]:
    seconds = []
    for _ in range(n):
        start = perf_counter()
        trainer.step()
        seconds.append(perf_counter() - start)
    return seconds


def begin_counting() -> float | None:
    """Let the highest residency begin here, and return what it begins at."""
    if sys.platform != "linux":
        return None
    if "glibc" in platform.libc_ver():
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def resident(field: str) -> float:
    """Return a field of Linux's account of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    name, normalized, cores, kept = sys.argv[1:]
    _serve(name, normalized == "1", int(cores), kept == "1")
