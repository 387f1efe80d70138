"""Training steps of one contender, in a process of its own: how long they take, and their memory.

What a step allocates and frees again is part of its time, and how much of it depends on what else
the process does. So each contender has one with nothing else in it, with malloc as it comes or, to
see what that costs, with malloc told to keep all that is freed.

Memory is the most that is resident during the steps, less what is before them: parameters and the
optimizer's state, and the libraries with all that they load, since a few steps with two images have
been taken.
"""

import ctypes
import json
import platform
import subprocess
import sys
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from bench.cnn import make, spec
from bench.timing import keep_freed_memory, say, threads

ROOT = Path(__file__).parent.parent

N_WARM_UP, N_STEPS = 5, 30


class Measured(NamedTuple):
    """What a process found."""

    seconds: float  # of a step, the median
    megabytes: float | None  # None but on Linux, which counts them


def measured(name: str, normalized: bool, cores: int, *, kept: bool) -> Measured:
    """Return the time and memory of a contender's steps."""
    say(f"training steps, {name}, {cores} cores")
    options = [name, str(int(normalized)), str(cores), str(int(kept))]
    command = [sys.executable, "-m", "bench.cnn_process", *options]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Measured(*json.loads(done.stdout))


def _measure(name: str, normalized: bool, cores: int, kept: bool) -> Measured:
    if kept:
        keep_freed_memory()
    trainer = make(name, spec(normalized, dropout=0.5))
    batches = list(islice(trainer.rows, N_WARM_UP + N_STEPS))
    seconds = []
    with threads(cores):
        trainer.rows = iter([rows[:2] for rows in batches[:3]])
        for _ in range(3):
            trainer.step()
        before = _begin_counting()
        trainer.rows = iter(batches)
        for _ in batches:
            start = perf_counter()
            trainer.step()
            seconds.append(perf_counter() - start)
    growth = None if before is None else _resident("VmHWM") - before
    return Measured(median(seconds[N_WARM_UP:]), growth)


def _begin_counting() -> float | None:
    """Let the highest residency begin here, and return what it begins at."""
    if sys.platform != "linux":
        return None
    if "glibc" in platform.libc_ver():
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _resident("VmRSS")


def _resident(field: str) -> float:
    """Return a field of Linux's account of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    name, normalized, cores, kept = sys.argv[1:]
    print(json.dumps(_measure(name, normalized == "1", int(cores), kept == "1")))
