from math import isnan
from time import sleep
from typing import Any

import pytest
from toy import fit, toy_network

from normlab.training import Probes, Recording
from normlab.training.probes.table import PROBES
from normlab.training.stopwatch import Stopwatch


def test_paused_time_does_not_count() -> None:
    stopwatch = Stopwatch()
    with stopwatch.paused():
        sleep(0.05)
    assert 0 < stopwatch.seconds_each(1) < 0.04


def test_counted_time_is_divided_evenly() -> None:
    stopwatch = Stopwatch()
    sleep(0.02)
    assert stopwatch.seconds_each(2) >= 0.01


def test_the_time_of_no_step_is_nan() -> None:
    assert isnan(Stopwatch().seconds_each(0))


def test_a_training_knows_the_time_of_its_steps() -> None:
    assert 0 < fit(toy_network()).seconds_per_step < 1


def test_a_single_step_has_no_time() -> None:
    assert isnan(fit(toy_network(), steps=1).seconds_per_step)


def test_the_time_of_measuring_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(*args: object) -> dict[str, Any]:
        sleep(0.01)
        return {}

    def evaluate(*args: object) -> tuple[float, float]:
        sleep(0.01)
        return 0.0, 0.0

    monkeypatch.setitem(PROBES, "units", probe)
    monkeypatch.setattr("normlab.training.metrics.Evaluator.__call__", evaluate)
    recording, probes = Recording(first_step=1, every=1), Probes(names=("units",), every=1)
    history = fit(toy_network(), recording=recording, probes=probes)
    assert history.seconds_per_step < 0.01
