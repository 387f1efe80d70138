"""Combinations of levels that are one training: run once, and shown at each of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.tiny import CNN, load
from normlab import lab, report
from normlab.lab import Experiment, Progress, Results, runner
from normlab.lab.config import TrialConfig
from normlab.lab.design import Design
from normlab.lab.estimate import estimate
from normlab.lab.trial import timed_trial


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """Two ways that gamma starts, with normalization and without, and two replicates."""
    return load(tmp_path, CNN)


def run(experiment: Experiment, folder: Path, **options: Any) -> Results:
    return lab.run(experiment, folder / "out", n_workers=1, **options)


def test_a_design_counts_a_shared_trial_once_and_knows_all_its_places(
    experiment: Experiment,
) -> None:
    design = Design(experiment)
    assert (len(design), experiment.n_trainings, experiment.n_trials) == (6, 6, 8)
    assert len(set(design.names)) == 6
    places = [[tuple(levels.values()) for levels, _ in design.places(i)] for i in range(3)]
    assert places == [[("1", "none"), ("drawn", "none")], [("1", "batch")], [("drawn", "batch")]]
    assert [{replicate for _, replicate in design.places(i)} for i in range(6)] == 3 * [{0}] + 3 * [
        {1}
    ]


def test_an_experiment_whose_trials_all_differ_trains_each(tmp_path: Path) -> None:
    assert load(tmp_path).n_trainings == load(tmp_path).n_trials == 8


def test_a_shared_trial_is_run_once(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[TrialConfig] = []

    def noted(config: TrialConfig) -> Any:
        computed.append(config)
        return timed_trial(config)

    monkeypatch.setattr(runner, "timed_trial", noted)
    run(experiment, tmp_path)
    assert len(computed) == 6
    assert len([*(tmp_path / "out" / "trials").iterdir()]) == 6
    assert len((tmp_path / "out" / "timings.csv").read_text().splitlines()) == 1 + 6


def test_results_show_a_shared_trial_at_each_of_its_places(
    experiment: Experiment, tmp_path: Path
) -> None:
    results = run(experiment, tmp_path)
    assert len(results.trials) == 8
    assert results.present().all()
    without, with_it = np.moveaxis(results.response("train_loss"), 1, 0)
    np.testing.assert_array_equal(without[0], without[1])
    assert (with_it[0] != with_it[1]).all()
    assert results.to_csv().count("\n") == 1 + 8 * 3
    assert lab.read(tmp_path / "out").to_csv() == results.to_csv()


def test_progress_counts_a_shared_trial_once(experiment: Experiment, tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(experiment, tmp_path, on_progress=seen.append)
    assert [progress.done for progress in seen] == [*range(7)]
    assert {progress.total for progress in seen} == {6}
    run(experiment, tmp_path, on_progress=seen.append)
    assert (seen[-1].done, seen[-1].found, seen[-1].total) == (6, 6, 6)
    assert lab.n_stored(experiment, tmp_path / "out") == 6


def test_a_shared_trial_that_fails_has_failed_at_each_of_its_places(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(config: TrialConfig) -> Any:
        if config.network.normalization == "none" and config.replicate == 1:
            raise FloatingPointError("made up")
        return timed_trial(config)

    seen: list[Progress] = []
    with monkeypatch.context() as patch:
        patch.setattr(runner, "timed_trial", failing)
        results = run(experiment, tmp_path, on_progress=seen.append)
    assert (seen[-1].failed, seen[-1].done) == (1, 5)
    assert [failure.levels["initial_gamma"] for failure in results.failures] == ["1", "drawn"]
    assert len(results.trials) == 6
    assert len(run(experiment, tmp_path).trials) == 8


def test_fresh_discards_a_shared_trial_with_the_others(
    experiment: Experiment, tmp_path: Path
) -> None:
    run(experiment, tmp_path)
    assert len(run(experiment, tmp_path, fresh=True).trials) == 8


def test_a_damaged_shared_trial_is_set_aside_and_run_again(
    experiment: Experiment, tmp_path: Path
) -> None:
    first = run(experiment, tmp_path).to_csv()
    path = tmp_path / "out" / "trials" / f"{Design(experiment).names[0]}.json"
    path.write_text("torn")
    seen: list[Progress] = []
    assert run(experiment, tmp_path, on_progress=seen.append).to_csv() == first
    assert len(seen[-1].set_aside) == 1


def test_the_estimate_counts_a_shared_trial_once(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds_of(config: TrialConfig, patience: float) -> float:
        return 1.0 if config.network.normalization == "none" else 4.0

    monkeypatch.setattr("normlab.lab.estimate.seconds_of", seconds_of)
    found = estimate(experiment, n_workers=1)
    assert found.seconds_per_trial == pytest.approx((1 + 4 + 4) / 3)
    assert found.seconds == pytest.approx(2 * (1 + 4 + 4))


def test_a_report_has_every_combination_of_levels(experiment: Experiment, tmp_path: Path) -> None:
    results = run(experiment, tmp_path)
    page = report.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    assert "8 trials: 4 combinations of levels, 2 replicates each" in page
