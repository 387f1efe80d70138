"""The memory that training steps of the convolutional network take at their peak.

Measured in a process of its own: the most that is resident in 20 steps, less what is before them.
That holds parameters and the optimizer's state, and the libraries with all that they load: a few
steps with two images have been taken.
"""

import ctypes
import platform
import subprocess
import sys
from itertools import islice
from pathlib import Path

from bench.timing import say, threads

ROOT = Path(__file__).parent.parent

N_STEPS = 20


def measured(name: str, normalized: bool, cores: int) -> float | None:
    """Return the megabytes of a contender; None but on Linux, which counts them."""
    if sys.platform != "linux":
        return None
    say(f"memory of a training step, {name}, {cores} cores")
    command = [sys.executable, "-m", "bench.cnn_memory", name, str(int(normalized)), str(cores)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _growth(name: str, normalized: bool, cores: int) -> float:
    from bench.cnn import spec
    from bench.cnn_step import makers

    trainer = makers(spec(normalized, dropout=0.5))[name]()
    batches = list(islice(trainer.rows, N_STEPS))
    with threads(cores):
        trainer.rows = iter([rows[:2] for rows in batches[:3]])
        for _ in range(3):
            trainer.step()
        _hand_back_freed_memory()
        before = _resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest begins here
        trainer.rows = iter(batches)
        for _ in batches:
            trainer.step()
        return _resident("VmHWM") - before


def _hand_back_freed_memory() -> None:
    if "glibc" in platform.libc_ver():
        ctypes.CDLL(None).malloc_trim(0)


def _resident(field: str) -> float:
    """Return a field of Linux's account of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    name, normalized, cores = sys.argv[1:]
    print(_growth(name, normalized == "1", int(cores)))
