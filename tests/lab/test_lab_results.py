import csv
import io
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.tiny import load, trials
from normlab.errors import ArgumentError
from normlab.lab import Experiment, Results
from normlab.lab.outcomes import Trial
from normlab.training import History


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """2 scales x 2 normalizations x 2 replicates."""
    return load(tmp_path)


def history(accuracy: float = 0.5, diverged: bool = False, **columns: Any) -> History:
    """Steps 1, 6, 11; where diverged, 1 and then 4, at which it did."""
    step = [1, 4] if diverged else [1, 6, 11]
    blank = [nan] * len(step)
    values: dict[str, Any] = {
        "step": step,
        "epoch": [(s - 1) // 10 for s in step],
        "train_accuracy": [accuracy / 2] * (len(step) - 1) + [accuracy],
        "train_loss": [1.5] * len(step),
        "test_accuracy": [*blank[1:], accuracy],
        "test_loss": [*blank[1:], 2.0],
        "n_steps": 3 if diverged else 11,
        "diverged_at_step": 4 if diverged else None,
    }
    return History(**(values | columns))


def every_trial(experiment: Experiment) -> list[Trial]:
    """Trials whose accuracy says where they stand: 0.1 a scale, 0.2 for batch, 0.01 a replicate."""
    scales = experiment.factors["weight_scale"].values
    return [
        Trial(levels, replicate, history(accuracy))
        for levels, replicate, _ in trials(experiment)
        for accuracy in [
            0.1 * (1 + scales.index(levels["weight_scale"]))
            + 0.2 * (levels["normalization"] == "batch")
            + 0.01 * replicate
        ]
    ]


def rows(results: Results) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(results.to_csv())))


def test_arrays_have_an_axis_a_factor_then_the_replicates(experiment: Experiment) -> None:
    results = Results(experiment, every_trial(experiment))
    assert results.shape == (2, 2, 2)
    assert results.response("train_accuracy").shape == (2, 2, 2)
    assert results.curves("train_accuracy").shape == (2, 2, 2, 3)


def test_final_values_stand_at_their_levels(experiment: Experiment) -> None:
    final = Results(experiment, every_trial(experiment)).response("train_accuracy")
    np.testing.assert_allclose(final[0], [[0.1, 0.11], [0.3, 0.31]])
    np.testing.assert_allclose(final[1], [[0.2, 0.21], [0.4, 0.41]])


def test_curves_run_over_the_recorded_steps(experiment: Experiment) -> None:
    results = Results(experiment, every_trial(experiment))
    assert results.steps.tolist() == [1, 6, 11]
    assert results.epochs.tolist() == [0, 0, 1]
    np.testing.assert_allclose(results.curves("train_accuracy")[1, 1, 0], [0.2, 0.2, 0.4])


def test_the_order_of_execution_changes_nothing(experiment: Experiment) -> None:
    done = every_trial(experiment)
    forwards, backwards = Results(experiment, done), Results(experiment, done[::-1])
    assert forwards.to_csv() == backwards.to_csv()
    assert forwards.trials == backwards.trials


def test_a_missing_trial_is_nan(experiment: Experiment) -> None:
    results = Results(experiment, every_trial(experiment)[1:])
    assert np.isnan(results.response("train_accuracy")).sum() == 1
    assert np.isnan(results.response("train_accuracy")[0, 0, 0])
    assert np.isnan(results.curves("train_accuracy")[0, 0, 0]).all()


def test_no_trials_at_all_are_nan_everywhere(experiment: Experiment) -> None:
    results = Results(experiment, [])
    assert np.isnan(results.response("train_accuracy")).all()
    assert results.steps.tolist() == []
    assert [row.difference.n_pairs for row in results.contrast()] == [0, 0]


def one_diverged(experiment: Experiment) -> Results:
    first, *others = every_trial(experiment)
    return Results(experiment, [first._replace(history=history(0.0, diverged=True)), *others])


def test_the_step_of_divergence_is_no_recorded_step(experiment: Experiment) -> None:
    results = one_diverged(experiment)
    assert results.steps.tolist() == [1, 6, 11]
    np.testing.assert_array_equal(results.curves("train_accuracy")[0, 0, 0], [0, nan, nan])


def test_divergence_is_told_by_its_step(experiment: Experiment) -> None:
    at = one_diverged(experiment).diverged_at()
    assert at[0, 0, 0] == 4
    assert np.isnan(at).sum() == 7


def test_the_final_value_of_a_diverged_trial_is_its_last(experiment: Experiment) -> None:
    assert one_diverged(experiment).response("train_accuracy")[0, 0, 0] == 0


def test_the_contrast_pairs_replicates(experiment: Experiment) -> None:
    first, second = Results(experiment, every_trial(experiment)).contrast()
    assert (first.levels, second.levels) == ({"weight_scale": 0.1}, {"weight_scale": 0.01})
    np.testing.assert_allclose(first.baseline, [0.1, 0.11])
    np.testing.assert_allclose(first.treatment, [0.3, 0.31])
    assert first.difference.mean == pytest.approx(0.2)
    assert first.difference.n_pairs == 2


def test_the_contrast_counts_what_diverged(experiment: Experiment) -> None:
    first, second = one_diverged(experiment).contrast()
    assert (first.baseline_diverged, first.treatment_diverged) == (1, 0)
    assert (second.baseline_diverged, second.treatment_diverged) == (0, 0)


def test_a_factor_called_like_another_axis_first_is_no_matter(tmp_path: Path) -> None:
    scales = {"factor": "weight_scale", "baseline": 0.01, "treatment": 0.1}
    settings = {f"contrast.{name}": value for name, value in scales.items()}
    experiment = load(tmp_path, settings=settings)
    first, second = Results(experiment, every_trial(experiment)).contrast()
    assert (first.levels, second.levels) == ({"normalization": "none"}, {"normalization": "batch"})
    assert first.difference.mean == pytest.approx(-0.1)


def test_csv_columns(experiment: Experiment) -> None:
    header = Results(experiment, []).to_csv()
    assert header == (
        "weight_scale,normalization,replicate,step,epoch,"
        "train_accuracy,test_accuracy,train_loss,test_loss,diverged_at_step\n"
    )


def test_csv_has_a_row_a_trial_and_recorded_step(experiment: Experiment) -> None:
    table = rows(Results(experiment, every_trial(experiment)))
    assert len(table) == 8 * 3
    assert [row["step"] for row in table[:3]] == ["1", "6", "11"]


def test_csv_rows_go_by_levels_then_replicates(experiment: Experiment) -> None:
    table = rows(Results(experiment, every_trial(experiment)))[::3]
    names = ("weight_scale", "normalization", "replicate")
    assert [tuple(row[name] for name in names) for row in table[:4]] == [
        ("0.1", "none", "0"),
        ("0.1", "none", "1"),
        ("0.1", "batch", "0"),
        ("0.1", "batch", "1"),
    ]


def test_csv_is_empty_where_nothing_was_measured(experiment: Experiment) -> None:
    table = rows(Results(experiment, every_trial(experiment)))[:3]
    assert [row["test_accuracy"] for row in table] == ["", "", "0.1"]
    assert [row["test_loss"] for row in table] == ["", "", "2.0"]
    assert [row["diverged_at_step"] for row in table] == ["", "", ""]


def test_csv_shows_a_measured_loss_that_is_not_finite(experiment: Experiment) -> None:
    first = every_trial(experiment)[0]
    trial = first._replace(history=history(train_loss=[1.0, float("inf"), nan]))
    assert [row["train_loss"] for row in rows(Results(experiment, [trial]))] == [
        "1.0",
        "inf",
        "nan",
    ]


def test_csv_has_the_step_of_divergence_in_each_row_of_its_trial(experiment: Experiment) -> None:
    table = rows(one_diverged(experiment))
    assert [row["diverged_at_step"] for row in table[:3]] == ["4", "4", ""]


def test_csv_numbers_are_read_back_to_the_bit(experiment: Experiment) -> None:
    value = 0.1 + 0.2 / 3
    trial = every_trial(experiment)[0]._replace(history=history(value))
    assert float(rows(Results(experiment, [trial]))[2]["train_accuracy"]) == value


def test_a_curve_of_what_is_not_recorded_is_an_error(experiment: Experiment) -> None:
    with pytest.raises(ArgumentError, match=r"response must be one of .*'train_accuracy'\?"):
        Results(experiment, []).curves("train_acuracy")
