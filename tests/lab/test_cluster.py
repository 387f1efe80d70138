"""Trials on a Dask cluster, a real one of two worker processes on this machine."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from lab.test_deaths import deadly, signed
from lab.tiny import load, run, stored_bytes
from normlab import lab
from normlab._version import __version__
from normlab.errors import WorkerError
from normlab.lab import Progress, cluster, runner
from normlab.lab.cluster import Cluster

LOCAL = ("--host", "127.0.0.1", "--no-dashboard")

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(sys.path),
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
}


def dask(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a scheduler or workers, as a user does."""
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, *LOCAL],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler with two workers of two threads each."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as ends:
        for arguments in (
            ("scheduler", "--port", str(port)),
            ("worker", address, "--nworkers", "2", "--nthreads", "2"),
        ):
            process = ends.enter_context(dask(*arguments))
            ends.callback(process.terminate)
        _wait_for(port)
        yield address


def _wait_for(port: int) -> None:
    patience = time.monotonic() + 30
    while time.monotonic() < patience:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def test_a_cluster_whose_worker_is_killed_stores_the_same_bits(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for folder in ("pids", "alone"):
        (tmp_path / folder).mkdir()
    run(tmp_path / "alone")

    def kill_one(progress: Progress) -> None:
        if progress.done == 2:
            [pid, *_] = (tmp_path / "pids").iterdir()
            os.kill(int(pid.name), signal.SIGKILL)

    noted = partial(signed, folder=tmp_path / "pids")
    monkeypatch.setattr(runner, "timed_trial", noted)
    results = lab.run(load(tmp_path), tmp_path / "out", scheduler=address, on_progress=kill_one)
    assert results.failures == ()
    assert stored_bytes(tmp_path / "out") == stored_bytes(tmp_path / "alone" / "out")
    assert capfd.readouterr().err == ""


def test_a_trial_that_always_kills_its_worker_fails_and_the_others_succeed(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "timed_trial", deadly)
    experiment = load(tmp_path, settings={"replicates": 1})
    results = lab.run(experiment, tmp_path / "out", scheduler=address)
    assert len(results.trials) == 3
    [failure] = results.failures
    assert failure.cause.startswith("WorkerError: its worker process died 3 times, the last at tcp")


def refused(address: str) -> str:
    """The words with which a run on a cluster is refused."""
    with pytest.raises(WorkerError) as caught:
        Cluster(address).stop()
    words = str(caught.value)
    assert "\n" not in words
    return words


def test_an_address_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.2)
    words = refused(address := f"tcp://127.0.0.1:{free_port()}")
    assert words.startswith(f"{address}: no Dask scheduler answers there")
    assert words.endswith("Start one with: dask scheduler")


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "127.0.0.1", "http://x:1", "tcp://", "tcp://x:y", "ucx://x:1", "a b:1"],
)
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    words = refused(address)
    assert words.startswith(
        f"scheduler must be an address such as tcp://10.0.0.1:8786, got {address!r}."
    )


@pytest.mark.parametrize(
    "address", ["10.0.0.1:8786", "tcp://host:1", "tls://[::1]:8786", "ws://h:80"]
)
def test_addresses_as_dask_prints_them_are_taken(address: str) -> None:
    assert re.fullmatch(cluster.ADDRESS, address)


def test_a_cluster_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 0.2)
    port = free_port()
    with dask("scheduler", "--port", str(port)) as scheduler:
        _wait_for(port)
        words = refused(f"tcp://127.0.0.1:{port}")
        scheduler.terminate()
    assert "has no workers (waited 0 s). Start some with: dask worker tcp://127.0.0.1" in words


def test_workers_with_another_version(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "__version__", "9.9")
    words = refused(address)
    assert words.startswith(f"{address}: every worker must have normlab 9.9, got: tcp://127.0.0.1")
    assert words.count(f"has normlab {__version__}") == 2


def test_workers_without_normlab(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "VERSION", "no_such_package.__version__")
    assert refused(address).count("has no normlab") == 2


def test_a_cluster_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'normlab[cluster]'" in refused("tcp://127.0.0.1:1")


def test_calls_under_way_are_cancelled_when_a_run_stops(address: str) -> None:
    with Cluster(address) as engine:
        calls = [engine.submit(time.sleep, 0.2) for _ in range(20)]
    assert all(call.done() for call in calls)
    assert sum(call.cancelled() for call in calls) >= 16


def test_loggers_are_as_before_when_a_run_stops(address: str) -> None:
    with Cluster(address):
        assert not logging.getLogger("distributed.client").isEnabledFor(logging.ERROR)
    assert logging.getLogger("distributed.client").isEnabledFor(logging.ERROR)
