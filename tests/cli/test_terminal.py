import os
import re
import subprocess
import time

import pytest

from cli.shell import ENVIRONMENT, command, write

pty = pytest.importorskip("pty", reason="only POSIX has pseudo-terminals")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that a run writes to a terminal of 100 columns."""
    folder = tmp_path_factory.mktemp("terminal")
    path = write(folder)
    here, there = pty.openpty()
    process = subprocess.Popen(
        command("run", path, "--out", "out", "--workers", 1),
        cwd=folder,
        env={**ENVIRONMENT, "COLUMNS": "100"},
        stdin=there,
        stdout=there,
        stderr=there,
    )
    os.close(there)
    text = _read_to_the_end(here)
    os.close(here)
    assert process.wait(timeout=60) == 0
    return text


def _read_to_the_end(terminal: int) -> str:
    text, patience = b"", time.monotonic() + 60
    while time.monotonic() < patience:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # how Linux says that nobody has the other end
            break
        if not chunk:
            break
        text += chunk
    return text.decode()


def test_a_terminal_shows_a_bar(shown: str) -> None:
    assert re.search("trials .*━━━.*8/8", shown)


def test_a_terminal_shows_the_bar_in_place(shown: str) -> None:
    assert "\x1b[" in shown


def test_a_terminal_shows_the_table_after_the_bar(shown: str) -> None:
    assert shown.rindex("95% interval") > shown.rindex("8/8")
