from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from figures.made_up import MAP, diverged, experiment, results, scales
from figures.test_response_against_factor import reached, third_factor
from normlab.figures.heat_map import HeatMap, alt, draw, numbers
from normlab.lab import Results

LOST = {(1.0, "none", i): diverged(4, final=np.nan) for i in range(3)}
SOME = {(1.0, "none", 0): diverged(4, final=0.0)}


def figure(found: Results | None = None, **changes: Any) -> HeatMap:
    return numbers(found or results(), MAP.model_copy(update=changes))


def drawing(found: Results | None = None, **changes: Any) -> tuple[Figure, Axes]:
    drawn = draw(figure(found, **changes))
    return drawn, drawn.axes[0]


def cells(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def legend(drawn: Figure) -> list[str]:
    return [text.get_text() for each in drawn.legends for text in each.get_texts()]


def test_a_cell_is_the_mean_over_replicates() -> None:
    (panel,) = figure().panels
    assert_allclose(panel.mean, [[0.8, 0.8], [0.1, 0.1]])
    assert_array_equal(panel.n_replicates, 3)


def test_numbers_grow_to_the_right_and_words_stand_in_their_order_from_above() -> None:
    found = figure()
    assert found.x_names == ("0.1", "1")
    assert found.y_names == ("with", "without")


def test_numbers_grow_upwards() -> None:
    found = figure(results(scales(0.1, 1.0, 0.01)), x="normalization", y="weight_scale")
    assert found.y_names == ("0.01", "0.1", "1")
    assert found.x_names == ("without", "with")


def test_diverged_and_missing_trials_are_counted() -> None:
    missing = {(0.1, "none", i): None for i in range(3)}
    (panel,) = figure(results(histories={**LOST, **missing})).panels
    assert panel.n_diverged.tolist() == [[0, 0], [0, 3]]
    assert panel.n_replicates.tolist() == [[3, 3], [0, 3]]
    assert_allclose(panel.mean[1], [np.nan, np.nan])


def test_a_panel_is_a_level() -> None:
    found = figure(third_factor(), panels="place")
    assert [panel.title for panel in found.panels] == ["before", "after"]
    assert_allclose(found.panels[1].mean[0], 0)


def test_the_number_is_written_in_each_cell() -> None:
    _, axes = drawing()
    assert cells(axes) == ["0.80", "0.80", "0.10", "0.10"]


def test_numbers_are_read_on_their_color() -> None:
    _, axes = drawing()
    assert [text.get_color() for text in axes.texts] == ["black", "black", "white", "white"]


def test_a_bound_is_written_as_one() -> None:
    drawn, axes = drawing(reached(), response="reach")
    assert cells(axes) == ["\N{GREATER-THAN OR EQUAL TO} 21"] * 4
    assert any("some did not get there" in text.get_text() for text in drawn.texts)


def test_a_cell_with_divergence_is_crossed() -> None:
    drawn, axes = drawing(results(histories=SOME))
    assert len([line for line in axes.lines if line.get_marker() == "x"]) == 1
    assert legend(drawn) == ["diverged, some replicates or all"]


def test_a_cell_without_a_number_is_hatched() -> None:
    drawn, axes = drawing(results(histories=LOST))
    assert [patch.get_hatch() for patch in axes.patches if patch.get_hatch()] == ["////"]
    assert len(cells(axes)) == 3
    assert legend(drawn) == ["diverged, some replicates or all", "no number"]


def test_shares_have_the_same_colors_in_every_figure() -> None:
    drawn, _ = drawing()
    assert drawn.axes[-1].get_ylim() == (0, 1)


def test_wide_panels_stand_below_each_other() -> None:
    found = third_factor()
    factors = {name: f.model_dump() for name, f in found.experiment.factors.items()}
    factors["weight_scale"]["levels"] = np.logspace(0, -4, 16).tolist()
    drawn, first = drawing(Results(experiment(factors=factors), []), panels="place")
    second = drawn.axes[1]
    assert first.get_position().x0 == second.get_position().x0
    assert drawn.get_figwidth() < 11


def test_long_names_do_not_touch() -> None:
    names = [f"an incomprehensible name of level number {i}" for i in range(16)]
    _, axes = drawing(results(scales(*names, replicates=1)))
    labels = axes.get_xticklabels()
    assert {label.get_rotation() for label in labels} == {35}
    assert labels[0].get_window_extent().x0 > 0


def test_it_is_told_in_numbers() -> None:
    assert alt(figure(results(histories=SOME))) == (
        "Training accuracy over scale of weights, w (0.1, 1) and batch normalization"
        " (with, without). Between 0.0667 (at 1 and without) and 0.8 (at 0.1 and with)."
        " Trials that diverged: 1 of 12."
    )
