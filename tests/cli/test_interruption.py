import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.shell import SLOW, Said, say, start, stored, unread, write
from lab.tiny import is_gone


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Whatever a run that nobody disturbs leaves."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert run_to_the_end(folder, 1).code == 0
    return stored(folder / "out")


def run_to_the_end(folder: Path, n_workers: int) -> Said:
    return say("run", write(folder, SLOW), "--out", "out", "--workers", n_workers, cwd=folder)


def n_done(folder: Path) -> int:
    return len([*(folder / "out" / "trials").glob("[!.]*.json")])


def disturb(folder: Path, n_workers: int, how: Callable[[int], None]) -> Said:
    """Start a run, and do ``how`` to its process when two trials are done."""
    path = write(folder, SLOW)
    process = start("run", path, "--out", "out", "--workers", n_workers, cwd=folder)
    patience = time.monotonic() + 60
    while n_done(folder) < 2 and time.monotonic() < patience:
        time.sleep(0.005)
    how(process.pid)
    out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err)


def ctrl_c(pid: int) -> None:
    os.killpg(pid, signal.SIGINT)  # the terminal sends it to every process


def terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def in_session(session: int) -> list[int]:
    """The processes of a session that run."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,sess="], capture_output=True, text=True, check=True
    )
    pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
    return [pid for pid, its_session in pairs if its_session == session and not is_gone(pid)]


@pytest.mark.parametrize(("how", "n_workers"), [(ctrl_c, 1), (ctrl_c, 2), (terminate, 2)])
def test_an_interrupted_run_says_what_is_kept_and_continues_to_the_same_bits(
    how: Callable[[int], None], n_workers: int, tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    said = disturb(tmp_path, n_workers, how)
    done = n_done(tmp_path)
    assert said.code == 130
    assert 2 <= done < 8
    assert said.out == ""
    assert said.err.splitlines()[-1] == (
        f"Interrupted: {done} of 8 trials are kept in out; the same command continues."
    )
    assert "Traceback" not in said.err
    assert run_to_the_end(tmp_path, 2).code == 0
    assert stored(tmp_path / "out") == uninterrupted


def test_a_killed_run_leaves_no_process_and_continues_to_the_same_bits(
    tmp_path: Path, uninterrupted: dict[str, bytes]
) -> None:
    sessions: list[int] = []

    def noted_and_killed(pid: int) -> None:
        sessions.append(pid)
        kill(pid)

    said = disturb(tmp_path, 2, noted_and_killed)
    assert said.code == -signal.SIGKILL
    assert 2 <= n_done(tmp_path) < 8
    patience = time.monotonic() + 10
    while in_session(sessions[0]) and time.monotonic() < patience:
        time.sleep(0.1)
    assert in_session(sessions[0]) == []
    assert run_to_the_end(tmp_path, 1).code == 0
    assert stored(tmp_path / "out") == uninterrupted


def test_ctrl_c_while_workers_start_gives_no_traceback(tmp_path: Path) -> None:
    path = write(tmp_path, SLOW)
    process = start("run", path, "--out", "out", "--workers", 2, cwd=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("A tiny experiment")
    assert process.stderr.readline() == "0/8 trials\n"
    time.sleep(0.3)  # workers load their code for longer than that
    ctrl_c(process.pid)
    _, err = process.communicate(timeout=60)
    assert err.splitlines()[-1].startswith("Interrupted: ")
    assert "Traceback" not in err


def test_a_second_run_in_the_same_folder_says_so_and_stops(tmp_path: Path) -> None:
    seconds: list[Said] = []

    def run_too(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)  # the first would be done before the second has started
        seconds.append(run_to_the_end(tmp_path, 1))
        os.kill(pid, signal.SIGCONT)
        ctrl_c(pid)

    first = disturb(tmp_path, 1, run_too)
    assert first.code == 130
    assert seconds[0].code == 2
    assert seconds[0].err.splitlines()[-1] == (
        "normlab: out: another run is writing here. Wait for it, or choose another folder."
    )


def test_a_reader_of_progress_that_stops_early_gives_no_traceback(tmp_path: Path) -> None:
    path = write(tmp_path)
    err = unread("run", path, "--out", "out", "--workers", 1, cwd=tmp_path)
    assert "Traceback" not in err
    assert n_done(tmp_path) == 8
