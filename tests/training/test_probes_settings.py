import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.training import Probes, TrainingConfig


def probes(**options: Any) -> Probes:
    return Probes(**options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: probes(names="units"), r"names must be a list of probes, got 'units'\. For"),
        (lambda: probes(names=None), "names must be a list of probes, got None"),
        (lambda: probes(names=["unit"]), r"names\[0\] must be one of .*Did you mean 'units'"),
        (lambda: probes(names=["units", "units"]), "names must name each probe once, got"),
        (lambda: probes(first_step=0), "first_step must be an integer of at least 1, got 0"),
        (lambda: probes(every=0), "every must be an integer of at least 1, got 0"),
        (lambda: probes(percentiles=50), "percentiles must be an Iterable, got int"),
        (lambda: probes(percentiles=[101]), r"percentiles\[0\] must be a finite number at least"),
        (lambda: probes(units=0), "units must be an integer of at least 1, got 0"),
        (lambda: probes(bins=2.5), "bins must be an integer of at least 1, got 2.5"),
        (
            lambda: TrainingConfig(steps=1, probes=("units",)),  # type: ignore[arg-type]  # the point
            "probes must be a Probes, got tuple",
        ),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_settings_survive_json() -> None:
    stated = probes(names=["units"], percentiles=[5, np.float32(50)], every=3)
    assert Probes(**json.loads(json.dumps(asdict(stated)))) == stated


def test_by_default_nothing_is_probed() -> None:
    assert len(TrainingConfig(steps=10).probed_steps(1000)) == 0


def test_by_default_probes_watch_the_first_step_of_each_epoch() -> None:
    config = TrainingConfig(epochs=2, probes=Probes(names=("units",)))
    assert list(config.probed_steps(1000)) == [1, 11]


def test_first_step_and_distance_of_probes_may_be_given() -> None:
    config = TrainingConfig(steps=9, probes=Probes(names=("units",), first_step=2, every=3))
    assert list(config.probed_steps(1000)) == [2, 5, 8]
