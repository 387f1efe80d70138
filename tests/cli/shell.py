"""The command line as a person runs it: its output and its exit code."""

import os
import signal
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import normlab
from lab.tiny import TINY, edited
from normlab.cli import main

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")},
    "PYTHONPATH": str(Path(normlab.__file__).parents[1]),
    "TERM": "xterm",
}

SLOW = edited("steps = 11", "steps = 1500", edited("every = 5", "every = 500"))
"""Eight trainings of a quarter of a second or so: time to be interrupted."""


class Said(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


def command(*arguments: object) -> list[str]:
    """The command line of another process."""
    return [sys.executable, "-m", "normlab", *map(str, arguments)]


def say_here(*arguments: object, cwd: Path) -> Said:
    """Run a command in this process, which is quicker."""
    out, err, code = StringIO(), StringIO(), 0
    handler = signal.getsignal(signal.SIGTERM)
    argv = ["normlab", *map(str, arguments)]
    with chdir(cwd), patch("sys.argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            signal.signal(signal.SIGTERM, handler)
    return Said(code, out.getvalue(), err.getvalue())


def say(*arguments: object, cwd: Path) -> Said:
    """Run a command in another process, to its end."""
    done = subprocess.run(
        command(*arguments), cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )
    return Said(done.returncode, done.stdout, done.stderr)


def write(folder: Path, text: str = TINY) -> Path:
    """Write an experiment's file."""
    path = folder / "tiny.toml"
    path.write_text(text)
    return path


def stored(folder: Path) -> dict[str, bytes]:
    """Whatever a run leaves that is to be reproducible, to the bit."""
    paths = [*(folder / "trials").iterdir(), folder / "experiment.json", folder / "results.csv"]
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """Start a command in a session of its own, as a terminal does."""
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def unread(*arguments: object, cwd: Path) -> str:
    """Run a command whose output nobody reads, and return what it says on stderr."""
    with subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        return process.stderr.read()
