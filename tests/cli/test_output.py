"""Output that cannot be written, or that nobody wants."""

import subprocess
from pathlib import Path

import pytest

from cli.shell import ENVIRONMENT, Said, command, say, write

FULL = Path("/dev/full")


def closed(number: int, *arguments: object, cwd: Path) -> Said:
    """Run a command that is started without stdout (1) or stderr (2)."""
    line = ["sh", "-c", f'exec "$@" {number}>&-', "sh", *command(*arguments)]
    done = subprocess.run(line, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, where every write fails")
@pytest.mark.parametrize("arguments", [("list",), ("--help",), ("run", "tiny.toml", "--json")])
def test_a_full_disk_behind_stdout_is_one_clear_line(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    write(tmp_path)
    with FULL.open("w") as full:
        done = subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    line = "normlab: The output: cannot be written: No space left on device."
    assert done.stderr.splitlines()[-1] == line


@pytest.mark.parametrize("number", [1, 2])
def test_a_run_needs_neither_stdout_nor_stderr(number: int, tmp_path: Path) -> None:
    write(tmp_path)
    said = closed(number, "run", "tiny.toml", "--workers", 1, "--out", "out", cwd=tmp_path)
    assert said.code == 0
    assert "Traceback" not in said.err
    assert (tmp_path / "out" / "report.html").exists()


def test_a_path_that_is_no_text_is_escaped_in_the_report(tmp_path: Path) -> None:
    write(tmp_path)
    said = say("run", "tiny.toml", "--workers", 1, "--out", "o\udcff", cwd=tmp_path)
    assert said.code == 0
    assert "o\\udcff" in (tmp_path / "o\udcff" / "report.html").read_text()
