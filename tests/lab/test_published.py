from pathlib import Path

import numpy as np
import pytest

from figures.made_up import PUBLISHED, experiment, results, scales, with_published
from normlab import lab
from normlab.errors import ExperimentError
from normlab.lab import published

HEAD = "weight_scale,normalization,step,epoch,train_accuracy\n"


def test_an_experiment_without_published_values_has_none() -> None:
    assert published.read(experiment(), "train_accuracy") == {}


def test_a_published_number_is_the_level_that_it_is_close_to(tmp_path: Path) -> None:
    found = published.read(with_published(tmp_path, PUBLISHED), "train_accuracy")
    assert set(found) == {(1.0, "none"), (1.0, "batch")}


def test_points_come_in_the_order_of_their_steps(tmp_path: Path) -> None:
    found = published.read(with_published(tmp_path, PUBLISHED), "train_accuracy")
    points = found[1.0, "batch"]
    assert points.step.tolist() == [1, 11]
    assert points.epoch.tolist() == [0, 1]
    assert points.value.tolist() == [0.4, 0.6]


def test_a_number_that_is_no_level_is_left_out(tmp_path: Path) -> None:
    text = HEAD + "0.5,none,1,0,0.2\n1.00001,none,1,0,0.2\n0.1,none,1,0,0.2\n"
    found = published.read(with_published(tmp_path, text), "train_accuracy")
    assert set(found) == {(0.1, "none")}


def test_an_empty_field_is_left_out(tmp_path: Path) -> None:
    text = HEAD + "1,none,1,0,\n1,none,11,1,0.2\n"
    found = published.read(with_published(tmp_path, text), "train_accuracy")
    assert found[1.0, "none"].step.tolist() == [11]


def test_a_response_that_was_not_published_has_no_points(tmp_path: Path) -> None:
    assert published.read(with_published(tmp_path, PUBLISHED), "test_accuracy") == {}


def test_words_and_numbers_may_be_levels_of_one_factor(tmp_path: Path) -> None:
    design = scales("he", 0.1)
    text = HEAD + "he,none,1,0,0.2\n0.1,none,1,0,0.3\n"
    found = published.read(with_published(tmp_path, text, design), "train_accuracy")
    assert set(found) == {("he", "none"), (0.1, "none")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight_scale,step,epoch\n", "must have a column 'normalization', got"),
        ("weight_scale,normalization,epoch\n", "must have a column 'step', got"),
        (HEAD.strip() + ",accuracy\n", "made-up.csv: must have no columns but .*'accuracy'"),
        (
            HEAD + "1,layer,1,0,0.2\n",
            "made-up.csv, line 2, normalization: must be one of .*'layer'",
        ),
        (HEAD + "big,none,1,0,0.2\n", "line 2, weight_scale: must be a number, got 'big'"),
        (HEAD + "1,none,1,0,high\n", "line 2, train_accuracy: must be a number, got 'high'"),
        ("", "made-up.csv: must have a column 'weight_scale', got \\[\\]"),
    ],
)
def test_a_column_or_value_that_does_not_fit_is_an_error_that_names_the_file(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ExperimentError, match=message):
        published.read(with_published(tmp_path, text), "train_accuracy")


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    design = experiment(published=str(tmp_path / "gone.csv"))
    with pytest.raises(ExperimentError, match=r"gone\.csv: is not a readable CSV file"):
        published.read(design, "train_accuracy")


def test_every_point_of_the_catalog_fits_its_experiment() -> None:
    for name in lab.catalog():
        design = lab.load(name)
        if design.published is not None:
            n_rows = len(Path(design.published).read_text().splitlines()) - 1
            found = published.read(design, design.contrast.response).values()
            assert sum(len(points.value) for points in found) == n_rows


def test_published_weight_scale_ends_at_the_printed_accuracies() -> None:
    found = published.read(lab.load("weight-scale"), "train_accuracy")
    final = [points.value[-1] for (_, kind), points in found.items() if kind == "batch"]
    np.testing.assert_allclose(final[:4], [0.429, 0.450, 0.610, 0.793], atol=5e-4)


LAST = "1,none,21,2,0.1\n1,batch,21,2,0.85\n0.1,batch,21,2,0.95\n"


def test_final_values_are_compared_with_the_range_of_replicates(tmp_path: Path) -> None:
    rows = published.compare(results(with_published(tmp_path, HEAD + LAST)))
    assert [row.levels["weight_scale"] for row in rows] == [1.0, 1.0, 0.1]
    assert [row.published for row in rows] == [0.1, 0.85, 0.95]
    assert [row.inside for row in rows] == [True, True, False]
    assert [rows[1].mean, rows[1].low, rows[1].high] == pytest.approx([0.8, 0.7, 0.9])
    assert rows[1].response == "train_accuracy"


def test_a_published_curve_that_ends_at_another_step_is_not_compared(tmp_path: Path) -> None:
    text = HEAD + "1,none,11,1,0.1\n1,batch,31,3,0.8\n"
    assert published.compare(results(with_published(tmp_path, text))) == []


def test_a_published_value_without_a_trial_of_ours_is_not_compared(tmp_path: Path) -> None:
    made = with_published(tmp_path, HEAD + LAST)
    missing = {(1.0, "none", i): None for i in range(3)}
    assert len(published.compare(results(made, missing))) == 2


def test_nothing_is_compared_where_nothing_was_published() -> None:
    assert published.compare(results()) == []
