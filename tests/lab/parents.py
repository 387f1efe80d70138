"""A parent process of workers, to be killed."""

import os
import subprocess
import sys


def parent_running(code: str) -> "subprocess.Popen[str]":
    """Start a Python process that runs ``code`` with our path, and whose stdout can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
