from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from figures.made_up import PERCENTILES, PERCENTS, probed, probed_results
from normlab.figures.percentile_bands import PercentileBands, alt, draw, numbers
from normlab.lab import Results


def figure(found: Results | None = None, **changes: Any) -> PercentileBands:
    return numbers(found or probed_results(), PERCENTILES.model_copy(update=changes))


def test_the_first_replicate_is_shown_alone() -> None:
    others = {(1.0, "none", i): probed(percentiles=PERCENTS * 9) for i in (1, 2)}
    found = figure(probed_results(histories=others))
    assert_array_equal(found.panels[0].values, PERCENTS)
    assert "in replicate 0 alone" in found.text.subtitle


def test_a_unit_is_chosen() -> None:
    assert_allclose(figure(unit=1).panels[0].values, PERCENTS + 10)
    assert figure(unit=1).text.y == "input of ReLU 1, unit 1"


def test_a_unit_that_is_not_there_is_said() -> None:
    assert figure(unit=7).panels[0].note == "no ReLU 1, unit 7, here"


def test_a_level_without_the_replicate_is_not_run() -> None:
    found = figure(probed_results(histories={(1.0, "none", 0): None}))
    assert [panel.note for panel in found.panels] == ["not run", ""]


def test_what_is_not_finite_is_a_gap() -> None:
    lost = np.array([[-1.0, 0.0, 1.0], [-np.inf, np.nan, np.inf]])
    found = figure(probed_results(histories={(1.0, "none", 0): probed(percentiles=lost)}))
    assert_array_equal(found.panels[0].values[1], np.nan)


def test_a_median_and_the_band_around_it_are_drawn() -> None:
    drawn = draw(figure())
    assert len(drawn.axes[0].collections) == 1
    (median,) = [line for line in drawn.axes[0].lines if line.get_linewidth() > 2]
    assert_allclose(np.asarray(median.get_ydata()), [0, 0.5])
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert names == ["median", "15th to 85th percentile"]


def test_panels_share_y() -> None:
    first, second = draw(figure()).axes
    assert first.get_ylim() == second.get_ylim()


def test_divergence_is_marked_at_its_step() -> None:
    early = probed((0.1,), steps=(1,), probed_steps=(1,), diverged_at_step=4)
    drawn = draw(figure(probed_results(histories={(1.0, "none", 0): early})))
    (cross,) = [line for line in drawn.axes[0].lines if line.get_marker() == "x"]
    assert_allclose(np.asarray(cross.get_xdata()), 4)
    assert "diverged" in [text.get_text() for text in drawn.legends[0].get_texts()]


def test_it_is_told_in_numbers() -> None:
    assert alt(figure()).startswith(
        "Input of ReLU 1, unit 0 over steps 1 to 21, in replicate 0 alone."
        " Without batch normalization: median from 0 to 0.5,"
        " distance of 15th to 85th percentile from 2 to 5;"
    )
