from typing import Any

import pytest

from figures.made_up import experiment
from normlab.lab import Experiment, words
from normlab.lab.factors import Factor


def texts(*levels: Any) -> list[str]:
    return words.texts(Factor(field="x", levels=levels))


def design(field: str, label: str, *levels: Any) -> Experiment:
    factor = {"field": field, "label": label, "levels": levels}
    contrast = {"baseline": levels[0], "treatment": levels[1], "response": "train_loss"}
    return experiment(
        factors={"a_factor": factor}, contrast={"factor": "a_factor", **contrast}, figures=[]
    )


def test_a_number_has_two_digits_where_they_tell_the_levels_apart() -> None:
    assert texts(1.0, 0.5411695, 0.2928645, 0.0073564) == ["1", "0.54", "0.29", "0.0074"]


def test_a_number_has_as_many_digits_as_tell_the_levels_apart() -> None:
    assert texts(0.1234, 0.1236) == ["0.123", "0.124"]


@pytest.mark.parametrize(
    ("level", "text"),
    [(1e-4, "1e-4"), (0.00063096, "6.3e-4"), (2e6, "2e6"), (1e-3, "0.001"), (-0.5, "-0.5")],
)
def test_a_very_small_or_large_number_has_an_exponent(level: float, text: str) -> None:
    assert texts(level) == [text]


def test_a_whole_number_is_written_whole() -> None:
    assert texts(0, 8, 128, 60000) == ["0", "8", "128", "60000"]


def test_a_power_of_ten_that_is_not_exact_is_still_one() -> None:
    assert texts(10.0**-3 * (1 - 1e-16), 10.000000000000002) == ["0.001", "10"]


def test_words_stay_and_booleans_are_yes_and_no() -> None:
    assert texts("he", True, False) == ["he", "yes", "no"]


def test_a_factor_that_is_there_or_not_is_with_and_without() -> None:
    found = words.level_names(experiment(), "normalization")
    assert found == ["without", "with batch normalization"]


def test_true_and_false_are_with_and_without() -> None:
    found = words.level_names(design("x", "a bias", False, True), "a_factor")
    assert found == ["without", "with a bias"]


def test_other_levels_are_equations() -> None:
    found = words.level_names(design("x", "placement", "before", "after"), "a_factor")
    assert found == ["placement = before", "placement = after"]


def test_three_levels_are_equations_though_one_is_none() -> None:
    found = words.level_names(design("x", "norm", "none", "batch", "layer"), "a_factor")
    assert found == ["norm = none", "norm = batch", "norm = layer"]


def test_a_factor_without_a_label_is_called_by_its_name() -> None:
    assert words.label(design("x", "", 1, 2), "a_factor") == "a factor"


def test_the_scale_of_weights_is_w() -> None:
    assert words.equations(experiment(), "weight_scale") == ["w = 1", "w = 0.1"]


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([5, 5], "5 replicates"),
        ([1], "1 replicate"),
        ([3, 5], "3 to 5 replicates"),
        ([], "0 replicates"),
    ],
)
def test_replicates_are_counted(counts: list[int], text: str) -> None:
    assert words.replicates(counts) == text
