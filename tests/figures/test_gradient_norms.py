from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.made_up import GRADIENTS, NORMS, probed, probed_results
from normlab.figures.gradient_norms import GradientNorms, alt, draw, numbers
from normlab.lab import Results


def figure(found: Results | None = None, **changes: Any) -> GradientNorms:
    return numbers(found or probed_results(), GRADIENTS.model_copy(update=changes))


def of_replicates(*factors: float) -> Results:
    """Norms without normalization, times a factor in each replicate."""
    places = {(1.0, "none", i): probed(norms=NORMS * f) for i, f in enumerate(factors)}
    return probed_results(histories=places)


def test_dense_layers_stand_in_their_order() -> None:
    assert_allclose(figure().lines[0].median, [1, 0.1])


@pytest.mark.parametrize(("step", "norms"), [("first", [1, 0.1]), ("last", [2, 0.2])])
def test_the_step_is_the_first_or_the_last_probed(step: str, norms: list[float]) -> None:
    assert_allclose(figure(step=step).lines[0].median, norms)


def test_a_line_is_the_median_and_the_range_over_replicates() -> None:
    line = figure(of_replicates(1, 100, 3)).lines[0]
    assert_allclose(line.median, [3, 0.3])
    assert_allclose(np.array([line.low, line.high]), np.array([[1, 0.1], [100, 10]]))
    assert line.n_replicates == 3


def test_what_is_not_finite_is_left_out() -> None:
    line = figure(of_replicates(1, np.inf, np.nan)).lines[0]
    assert_allclose(line.high, [1, 0.1])


def test_networks_of_several_depths_share_the_axis() -> None:
    found = figure(panels="weight_scale")
    assert [panel.title for panel in found.panels] == ["w = 1", "w = 0.1"]


def test_the_words_say_which_step() -> None:
    assert "at step 21. Lines: median of 3 replicates." in figure(step="last").text.subtitle


@pytest.mark.parametrize(("others", "said"), [([21], "step 1 or 21"), ([11, 21], "steps 1 to 21")])
def test_several_steps_are_said(others: list[int], said: str) -> None:
    later = {(1.0, "none", i): probed(probed_steps=(at, 31)) for i, at in enumerate(others)}
    assert f"at {said}. " in figure(probed_results(histories=later)).text.subtitle


def test_the_words_say_what_a_symbol_above_a_panel_means() -> None:
    subtitle = figure(panels="weight_scale").text.subtitle
    assert "One panel for each w, the scale of weights. Lines:" in subtitle


def test_norms_are_drawn_on_a_log_axis_by_layer() -> None:
    (axes,) = draw(figure()).axes
    assert axes.get_yscale() == "log"
    assert_allclose(np.asarray(axes.lines[0].get_xdata()), [1, 2])


def test_a_gradient_of_zero_is_marked_below() -> None:
    drawn = draw(figure(of_replicates(0, 0, 0)))
    marks = [line.get_xydata() for line in drawn.axes[0].lines if line.get_marker() == "v"]
    assert_allclose(np.asarray(marks[0]), [[1, 0.03], [2, 0.03]])
    assert "zero" in [text.get_text() for text in drawn.legends[0].get_texts()]


def test_it_is_told_in_numbers() -> None:
    assert alt(figure()) == (
        "Gradient norm over 2 dense layers from the input on, at step 1."
        " Without: from 1 to 0.1; with batch normalization: from 1 to 0.1."
    )


def test_panels_are_told_by_their_ends() -> None:
    text = alt(figure(of_replicates(5, 5, 5), panels="weight_scale"))
    assert "Without: at the first layer between 1 (w = 0.1) and 5 (w = 1)" in text
