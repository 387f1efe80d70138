from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from figures.made_up import (
    FINAL,
    NAN,
    PUBLISHED,
    diverged,
    experiment,
    history,
    results,
    scales,
    with_published,
)
from normlab.figures.response_against_factor import ResponseAgainstFactor, alt, draw, numbers
from normlab.lab import Results

GEOMETRIC = (1.0, 0.1, 0.01)


def figure(found: Results | None = None, **changes: Any) -> ResponseAgainstFactor:
    return numbers(found or results(), FINAL.model_copy(update=changes))


def drawing(found: Results | None = None, **changes: Any) -> tuple[Figure, Axes]:
    drawn = draw(figure(found, **changes))
    (axes,) = drawn.axes
    return drawn, axes


def legend(drawn: Figure) -> list[str]:
    return [text.get_text() for text in drawn.legends[0].get_texts()]


def marks(axes: Axes, marker: str) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() == marker]


ALL_DIVERGED = {(1.0, "none", i): diverged(4, final=0.02) for i in range(3)}


def test_a_line_is_the_mean_and_range_of_final_responses() -> None:
    line = figure().lines[1]
    assert_allclose(line.mean, [0.8, 0.8])
    assert_allclose(line.low, [0.7, 0.7])
    assert_allclose(line.high, [0.9, 0.9])


def test_lines_are_named_and_know_their_part_in_the_contrast() -> None:
    found = [(line.name, line.role) for line in figure().lines]
    assert found == [("without", "baseline"), ("with batch normalization", "treatment")]


def test_a_line_that_is_nowhere_measured_is_not_in_the_legend() -> None:
    missing = {(w, "none", i): history((NAN,) * 3) for w in (1.0, 0.1) for i in range(3)}
    drawn, _ = drawing(results(histories=missing))
    assert legend(drawn) == ["with batch normalization", "range of 3 replicates"]


def test_diverged_replicates_are_counted_at_each_level() -> None:
    line = figure(results(histories=ALL_DIVERGED)).lines[0]
    assert line.n_diverged.tolist() == [3, 0]
    assert_allclose(line.mean, [0.02, 0.1])


def test_a_level_without_trials_is_nan() -> None:
    line = figure(results(histories={(1.0, "batch", i): None for i in range(3)})).lines[1]
    assert_allclose(line.mean, [np.nan, 0.8])
    assert line.n_replicates.tolist() == [0, 3]


def test_published_values_are_the_last_ones(tmp_path: Path) -> None:
    found = figure(results(with_published(tmp_path, PUBLISHED)))
    assert found.lines[1].published is not None
    assert_array_equal(found.lines[1].published, [0.6, np.nan])


def test_nothing_published_is_none() -> None:
    assert [line.published for line in figure().lines] == [None, None]


@pytest.mark.parametrize(
    ("levels", "scale"),
    [(GEOMETRIC, "log"), ((0.1, 0.2, 0.3), "linear"), (("he", "xavier"), "words")],
)
def test_the_axis_suits_the_levels(levels: tuple[Any, ...], scale: str) -> None:
    assert figure(results(scales(*levels))).x.scale == scale


def test_levels_that_are_words_stand_in_their_order() -> None:
    found = figure(results(scales("he", "xavier", 0.1)))
    assert found.x.x.tolist() == [0, 1, 2]
    assert found.x.names == ("he", "xavier", "0.1")


def test_the_words_say_what_is_shown() -> None:
    assert figure().text[1:] == (
        "Training accuracy after 21 steps. Points: mean of 3 replicates.",
        "scale of weights, w",
        "training accuracy",
    )


def test_geometric_levels_are_drawn_on_a_log_axis() -> None:
    _, axes = drawing(results(scales(*GEOMETRIC)))
    assert axes.get_xscale() == "log"


def test_words_are_drawn_as_tick_labels() -> None:
    _, axes = drawing(results(scales("he", "xavier")))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["he", "xavier"]


def test_points_are_joined_in_the_order_of_x() -> None:
    _, axes = drawing(results(scales(0.1, 1.0, 0.01)))
    assert_allclose(np.asarray(axes.lines[0].get_xdata()), [0.01, 0.1, 1.0])


def test_axes_are_named() -> None:
    drawn, _ = drawing()
    assert drawn.get_supxlabel() == "scale of weights, w"
    assert drawn.get_supylabel() == "training accuracy"


def test_one_legend_tells_lines_and_band() -> None:
    drawn, axes = drawing()
    assert legend(drawn) == ["with batch normalization", "without", "range of 3 replicates"]
    assert len(axes.collections) == 2


def test_one_replicate_has_no_band() -> None:
    drawn, axes = drawing(results(experiment(replicates=1)))
    assert len(axes.collections) == 0
    assert legend(drawn) == ["with batch normalization", "without"]


def test_a_diverged_point_is_crossed() -> None:
    drawn, axes = drawing(results(histories=ALL_DIVERGED))
    (cross,) = marks(axes, "x")
    assert_allclose(np.asarray(cross.get_xydata()), [[1.0, 0.02]])
    assert "diverged" in legend(drawn)
    assert len(axes.texts) == 0


def test_replicates_that_diverged_are_counted_where_not_all_did() -> None:
    drawn, axes = drawing(results(histories={(1.0, "none", 0): diverged(4)}))
    assert [text.get_text() for text in axes.texts] == ["1/3"]
    assert "diverged (how many, where not all)" in legend(drawn)


def test_a_diverged_point_without_a_measurement_is_crossed_near_the_bottom() -> None:
    nothing = {(1.0, "none", i): diverged(4, final=np.nan) for i in range(3)}
    _, axes = drawing(results(histories=nothing))
    (cross,) = marks(axes, "x")
    assert cross.get_transform() == axes.get_xaxis_transform()
    assert_allclose(np.asarray(cross.get_ydata()), 0.04)


def test_a_loss_that_is_lost_is_crossed_near_the_top() -> None:
    losses = history(train_loss=np.array([2.0, 1.0, 0.5]))
    places = [(w, kind, i) for w in (1.0, 0.1) for kind in ("none", "batch") for i in range(3)]
    lost = {(1.0, "none", i): diverged(4, train_loss=np.array([2.0, np.inf])) for i in range(3)}
    found = results(histories=dict.fromkeys(places, losses) | lost)
    _, axes = drawing(found, response="train_loss")
    (cross,) = marks(axes, "x")
    assert_allclose(np.asarray(cross.get_ydata()), 0.96)


def test_published_values_are_overlaid(tmp_path: Path) -> None:
    drawn, axes = drawing(results(with_published(tmp_path, PUBLISHED)))
    faint = [line for line in axes.lines if line.get_alpha() is not None]
    assert [line.get_markerfacecolor() for line in faint] == ["none", "#0072B2"]
    assert "published single run" in legend(drawn)


def test_results_without_trials_are_drawn() -> None:
    drawn, _ = drawing(Results(experiment(), []))
    assert legend(drawn) == ["with batch normalization", "without"]


REACH = {
    "reach": {
        "kind": "steps-to-reach",
        "label": "steps to 0.75",
        "quantity": "train_accuracy",
        "value": 0.75,
    }
}


def reached(**changes: Any) -> Results:
    """With normalization, replicate 0 stays below; without, all do."""
    return results(experiment(responses=REACH), **changes)


def test_a_step_that_did_not_come_counts_as_the_last_one_and_is_a_bound() -> None:
    without, with_normalization = figure(reached(), response="reach").lines
    assert without.mean.tolist() == with_normalization.mean.tolist() == [21, 21]
    assert without.n_unreached.tolist() == [3, 3]
    assert with_normalization.n_unreached.tolist() == [1, 1]


def test_a_bound_is_an_open_triangle_with_an_entry_in_the_legend() -> None:
    drawn, axes = drawing(reached(), response="reach")
    assert {line.get_markerfacecolor() for line in marks(axes, "^")} == {"none"}
    assert "not reached by step 21 (how many, where not all)" in legend(drawn)
    assert [text.get_text() for text in axes.texts] == ["1/3", "1/3"]


def test_a_trial_that_diverged_before_it_got_there_is_a_bound_and_no_cross() -> None:
    _, axes = drawing(reached(histories={(1.0, "batch", 0): diverged(4)}), response="reach")
    assert marks(axes, "x") == []


def test_marks_at_one_place_do_not_hide_each_other() -> None:
    _, axes = drawing(reached(), response="reach")
    first, _, second, _ = marks(axes, "^")
    assert first.get_markersize() > second.get_markersize()


def test_the_share_that_diverged_has_no_crosses() -> None:
    found = figure(results(histories=ALL_DIVERGED), response="diverged")
    assert found.lines[0].mean.tolist() == [1, 0]
    assert found.lines[0].n_diverged.tolist() == [0, 0]
    assert found.scale == "share"


def third_factor() -> Results:
    factors = {name: f.model_dump() for name, f in experiment().factors.items()}
    factors["place"] = {"field": "network.placement", "levels": ["before", "after"]}
    after = {(w, "batch", "after", i): history((0, 0, 0)) for w in (1.0, 0.1) for i in range(3)}
    return results(experiment(factors=factors), after)


def test_a_panel_is_a_level() -> None:
    found = figure(third_factor(), panels="place")
    assert [panel.title for panel in found.panels] == ["before", "after"]
    assert [panel.lines[1].mean.round(9).tolist() for panel in found.panels] == [[0.8, 0.8], [0, 0]]


def test_panels_share_their_axes() -> None:
    drawn = draw(figure(third_factor(), panels="place"))
    first, second = drawn.axes
    assert first.get_ylim() == second.get_ylim()
    assert [axes.get_title() for axes in drawn.axes] == ["before", "after"]


def test_other_factors_are_held_where_the_figure_says() -> None:
    found = figure(third_factor(), at={"place": "after"})
    assert found.lines[1].mean.tolist() == [0, 0]
    assert found.text.subtitle.endswith("Here, place = after.")


def test_levels_that_are_words_have_ranges_and_no_line_between_them() -> None:
    drawn, axes = drawing(x="normalization", lines="weight_scale")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["without", "with"]
    assert {line.get_linestyle() for line in axes.lines} == {"None"}
    assert len(axes.collections) == 2
    assert [handle.get_linestyle() for handle in drawn.legends[0].get_lines()][:2] == ["None"] * 2


def test_tick_labels_do_not_touch() -> None:
    found = results(scales(*np.linspace(0.1, 1.1, 101).tolist(), replicates=1))
    _, axes = drawing(found)
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert len(boxes) > 5


def test_it_is_told_in_numbers() -> None:
    found = results(scales(*GEOMETRIC), {(1.0, "none", i): diverged(4, 0.02) for i in range(3)})
    assert alt(figure(found)) == (
        "Training accuracy against scale of weights, w, 1, 0.1, 0.01."
        " Without: between 0.02 (at 1) and 0.1 (at 0.1); with batch normalization: 0.8 throughout."
        " Trials that diverged: without: 3 of 9."
    )


def test_panels_are_told_in_one_range_a_line() -> None:
    text = alt(figure(third_factor(), panels="place"))
    assert "a panel each for before, after" in text
    assert "with batch normalization: between 0 (after, at 1) and 0.8 (before, at 1)" in text
