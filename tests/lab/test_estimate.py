from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from lab.tiny import config, load
from normlab.lab.engines import InProcess
from normlab.lab.estimate import estimate, seconds_of
from normlab.training.metrics import Evaluation, Evaluator


@pytest.fixture(scope="module", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    seconds_of(config(tmp_path_factory.mktemp("compiled")), 0.01)


def test_all_trials_take_as_long_as_those_of_one_worker_in_a_row(tmp_path: Path) -> None:
    found = estimate(load(tmp_path), n_workers=1)
    assert found.n_workers == 1
    assert 0 < found.seconds_per_trial < 1
    assert found.seconds == pytest.approx(8 * found.seconds_per_trial)


def test_more_steps_take_longer(tmp_path: Path) -> None:
    few, many = (config(tmp_path, training__steps=n) for n in (20, 2000))
    assert seconds_of(many, 0.05) > 10 * seconds_of(few, 0.05)


def test_measuring_more_often_takes_longer(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"training__steps": 1001, "data__n_train": None}
    rarely, often = (
        config(tmp_path, **settings, training__recording__every=every) for every in (1000, 1)
    )
    assert seconds_of(often, 0.05) > 10 * seconds_of(rarely, 0.05)


def test_what_the_first_measurement_loads_does_not_count(tmp_path: Path) -> None:
    """Here the first takes 1,000 seconds, any other one."""
    now, took = 0.0, 1000.0

    class Slow(Evaluator):
        def __call__(self) -> Evaluation:
            nonlocal now, took
            now, took = now + took, 1.0
            return Evaluation(loss=0.0, accuracy=1.0)

    with (
        patch("normlab.lab.estimate.Evaluator", Slow),
        patch("normlab.lab.estimate.perf_counter", lambda: now),
        patch("normlab.lab.estimate._steps", return_value=0.0),
    ):
        assert 0 < seconds_of(config(tmp_path), 0.01) < 10


def test_probing_takes_longer(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"training__steps": 1000, "training__probes__every": 1}
    plain = config(tmp_path, **settings)
    probed = config(tmp_path, **settings, training__probes__names=["outputs", "projection"])
    assert seconds_of(probed, 0.05) > 1.5 * seconds_of(plain, 0.05)


def test_a_form_counts_as_often_as_it_is_run(tmp_path: Path) -> None:
    wide = {"name": 1, "set": {"network.sizes": [784, 40, 10]}}
    experiment = load(tmp_path, settings={"factors.weight_scale.levels": [0.1, 0.01, wide]})
    with (
        patch("normlab.lab.estimate.seconds_of", lambda config, _: config.network.sizes[1]),
        patch("normlab.lab.estimate.local_engine", lambda *_: InProcess()),
    ):
        found = estimate(experiment, n_workers=5)
    assert found.seconds_per_trial == pytest.approx((10 + 10 + 40) / 3)
    assert found.seconds == pytest.approx(3 * 20)  # 12 trials: 5, 5 and 2 at a time


def test_a_form_is_measured_once(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    with patch("normlab.lab.estimate.seconds_of", return_value=1.0) as measure:
        estimate(load(tmp_path), n_workers=1, on_progress=lambda i, n: done.append((i, n)))
    forms = [call.args[0].network.normalization for call in measure.call_args_list]
    assert sorted(forms) == ["batch", "none"]
    assert done[-1] == (2, 2)
