from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from figures.made_up import (
    FINAL,
    PUBLISHED,
    diverged,
    experiment,
    results,
    scales,
    with_published,
)
from normlab.errors import ExperimentError
from normlab.figures.response_against_factor import ResponseAgainstFactor, draw, numbers
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


ALL_DIVERGED = {(1.0, "none", i): diverged(4, final=0.02) for i in range(3)}


def test_a_line_is_the_mean_and_range_of_final_responses() -> None:
    line = figure().lines[1]
    assert_allclose(line.mean, [0.8, 0.8])
    assert_allclose(line.low, [0.7, 0.7])
    assert_allclose(line.high, [0.9, 0.9])


def test_lines_are_named_and_know_their_part_in_the_contrast() -> None:
    found = [(line.name, line.role) for line in figure().lines]
    assert found == [("without", "baseline"), ("with batch normalization", "treatment")]


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
    assert figure(results(scales(*levels))).x_scale == scale


def test_levels_that_are_words_stand_in_their_order() -> None:
    found = figure(results(scales("he", "xavier", 0.1)))
    assert found.x.tolist() == [0, 1, 2]
    assert found.x_names == ("he", "xavier", "0.1")


def test_the_words_say_what_is_shown() -> None:
    assert figure().text[1:] == (
        "Training accuracy after 21 steps. Points: mean of 3 replicates.",
        "scale of weights, w",
        "training accuracy",
    )


def test_x_and_lines_must_be_two_factors() -> None:
    with pytest.raises(ExperimentError, match="'final': must name two different factors"):
        figure(x="normalization")


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
    _, axes = drawing()
    assert axes.get_xlabel() == "scale of weights, w"
    assert axes.get_ylabel() == "training accuracy"


def test_one_legend_tells_lines_and_band() -> None:
    drawn, axes = drawing()
    assert legend(drawn) == ["with batch normalization", "without", "range of 3 replicates"]
    assert len(axes.collections) == 2


def test_one_replicate_has_no_band() -> None:
    drawn, axes = drawing(results(experiment(replicates=1)))
    assert len(axes.collections) == 0
    assert legend(drawn) == ["with batch normalization", "without"]


def test_a_diverged_point_is_crossed_and_counted() -> None:
    drawn, axes = drawing(results(histories=ALL_DIVERGED))
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert_allclose(np.asarray(cross.get_xydata()), [[1.0, 0.02]])
    assert [text.get_text() for text in axes.texts] == ["3/3"]
    assert "replicates that diverged" in legend(drawn)


def test_a_diverged_point_without_a_measurement_is_crossed_near_the_bottom() -> None:
    nothing = {(1.0, "none", i): diverged(4, final=np.nan) for i in range(3)}
    _, axes = drawing(results(histories=nothing))
    (cross,) = [line for line in axes.lines if line.get_marker() == "x"]
    assert cross.get_transform() == axes.get_xaxis_transform()


def test_published_values_are_overlaid(tmp_path: Path) -> None:
    drawn, axes = drawing(results(with_published(tmp_path, PUBLISHED)))
    faint = [line for line in axes.lines if line.get_alpha() is not None]
    assert [line.get_markerfacecolor() for line in faint] == ["none", "#0072B2"]
    assert "published single run" in legend(drawn)


def test_results_without_trials_are_drawn() -> None:
    drawn, _ = drawing(Results(experiment(), []))
    assert legend(drawn) == ["with batch normalization", "without"]
