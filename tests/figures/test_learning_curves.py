from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from figures.made_up import CURVES, diverged, experiment, results, scales
from normlab.figures.curves import Curves
from normlab.figures.learning_curves import alt, draw, numbers
from normlab.lab import Results

MANY = np.logspace(0, -4, 16).tolist()


def figure(found: Results | None = None, **changes: Any) -> Curves:
    return numbers(found or results(), CURVES.model_copy(update=changes))


def test_there_is_one_panel_without_a_title() -> None:
    (panel,) = figure().panels
    assert panel.title == ""
    assert_allclose(panel.curves[1].mean, [0.1, 0.5, 0.8])


def test_the_words_say_what_is_shown_and_held() -> None:
    assert figure().text[1:] == (
        "Training accuracy over training. Lines: mean of 3 replicates."
        " Here, scale of weights w = 1.",
        "epoch",
        "training accuracy",
    )


def test_other_factors_are_held_where_the_figure_says() -> None:
    found = figure(lines="weight_scale", at={"normalization": "batch"})
    assert_allclose(found.curves[0].mean, [0.1, 0.5, 0.8])
    assert found.text.subtitle.endswith("Here, with batch normalization.")


def test_a_level_that_is_gone_leaves_the_first() -> None:
    assert figure(at={"weight_scale": 0.7}).text.subtitle.endswith(" Here, scale of weights w = 1.")


def test_a_band_is_drawn_for_each_line() -> None:
    (axes,) = draw(figure()).axes
    assert len(axes.collections) == 2
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-"]


def test_many_lines_are_drawn_without_bands_from_dark_to_light() -> None:
    drawn = draw(figure(results(scales(*MANY)), lines="weight_scale"))
    (axes,) = drawn.axes
    assert len(axes.collections) == 0
    assert len({line.get_color() for line in axes.lines}) == 16
    assert len(drawn.legends[0].get_texts()) == 16


def test_the_legend_of_many_lines_stays_within_the_figure() -> None:
    drawn = draw(figure(results(scales(*MANY)), lines="weight_scale"))
    box, (axes,) = drawn.legends[0].get_window_extent(), drawn.axes
    assert box.x1 < drawn.bbox.x1
    assert box.y0 > axes.get_window_extent().y1


def test_it_is_told_in_numbers() -> None:
    found = results(histories={(1.0, "none", 0): diverged(4)})
    assert alt(figure(found)) == (
        "Training accuracy over epochs 0 to 2."
        " Without: 0.1 throughout; with batch normalization: from 0.1 to 0.8."
        " Trials that diverged: without: 1 of 3."
    )


def test_many_lines_are_told_in_one_range() -> None:
    held = {"normalization": "batch"}
    assert alt(figure(results(scales(*MANY)), lines="weight_scale", at=held)) == (
        "Training accuracy over epochs 0 to 2."
        " 16 levels from w = 1 to w = 1e-4: at the end 0.8 throughout."
    )


def test_results_without_trials_are_told() -> None:
    assert "without: nothing measured" in alt(figure(Results(experiment(), []))).lower()
