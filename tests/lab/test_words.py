from typing import Any

import pytest

from figures.made_up import experiment
from normlab.lab import Experiment, words
from normlab.lab.factors import Factor


def texts(*levels: Any) -> list[str]:
    return words.texts(Factor(field="x", levels=levels))


def design(field: str, label: str, *levels: Any, symbol: str = "") -> Experiment:
    factor = {"field": field, "label": label, "levels": levels, "symbol": symbol}
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


def test_texts_stand_alone_and_numbers_are_equations() -> None:
    found = words.level_names(design("x", "placement", "before", "after"), "a_factor")
    assert found == ["before", "after"]
    assert words.titles(design("x", "weights", "he", 0.1), "a_factor") == ["he", "weights = 0.1"]


def test_texts_are_equations_where_the_factor_has_a_symbol() -> None:
    found = words.titles(design("x", "weights", "he", 0.1, symbol="w"), "a_factor")
    assert found == ["w = he", "w = 0.1"]


def test_a_level_that_is_absent_beside_several_others_says_what_of() -> None:
    found = words.level_names(design("x", "norm", "none", "batch", "layer"), "a_factor")
    assert found == ["without norm", "batch", "layer"]


def test_a_panel_or_a_sentence_says_what_is_not_there() -> None:
    said = ["without batch normalization", "with batch normalization"]
    assert words.titles(experiment(), "normalization") == said
    assert words.conditions(experiment(), "normalization") == said


def test_texts_are_equations_in_a_sentence() -> None:
    found = words.conditions(design("x", "placement", "before", "after"), "a_factor")
    assert found == ["placement = before", "placement = after"]


def test_an_axis_that_names_the_factor_has_short_ticks() -> None:
    assert words.ticks(experiment(), "normalization") == ["without", "with"]
    assert words.ticks(experiment(), "weight_scale") == ["1", "0.1"]


def test_an_axis_has_label_and_symbol() -> None:
    assert words.axis(experiment(), "weight_scale") == "scale of weights, w"
    assert words.axis(experiment(), "normalization") == "batch normalization"


def test_levels_that_set_fields_are_called_by_their_names() -> None:
    named = [{"name": name, "set": {"x": 1}} for name in ("dropout", 20)]
    factor = {"label": "hidden layers", "levels": named}
    contrast = {"factor": "a_factor", "baseline": "dropout", "treatment": 20}
    found = experiment(
        factors={"a_factor": factor}, contrast=contrast | {"response": "train_loss"}, figures=[]
    )
    assert words.titles(found, "a_factor") == ["dropout", "hidden layers = 20"]


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
