from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.figures import scales


def labels(height: float) -> list[str]:
    """Tick labels of shares on an axis of this many inches."""
    axes = Figure(figsize=(4, height)).add_axes((0.1, 0.0, 0.9, 1.0))
    scales.set_y(axes, "share")
    return [tick.get_text() for tick in axes.get_yticklabels()]


def lowest(values: Any) -> float:
    """Where a linear axis begins with these values."""
    axes = Figure().subplots()
    axes.plot(values)
    scales.set_y(axes, "linear")
    return axes.get_ylim()[0]


def test_numbers_over_decades_are_on_a_log_axis() -> None:
    assert scales.y_scale("number", [np.array([0.001, 0.01, 0.1, 1.0])]) == "log"


def test_one_small_number_alone_does_not_make_a_log_axis() -> None:
    values = np.array([5e-5, 0.7, 0.87, 0.96, 0.99, 1.0])
    assert scales.y_scale("number", [values]) == "linear"


@pytest.mark.parametrize(("values", "begins_at_0"), [([0.2, 0.5], True), ([0.9, 1.0], False)])
def test_a_linear_axis_begins_at_0_where_that_is_near(
    values: list[float], begins_at_0: bool
) -> None:
    assert (lowest(values) == 0) == begins_at_0


def test_numbers_below_0_keep_their_place() -> None:
    assert lowest([-1.0, 2.0]) < -1


def test_a_tall_panel_has_more_ticks_than_a_small_one() -> None:
    assert labels(4.0) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert labels(1.9) == ["0", "", "0.5", "", "1"]


@pytest.mark.parametrize("ends", [(-4, 0), (-300, 300), (-307, 308)])
def test_levels_however_far_apart_have_room_around_them(ends: tuple[int, int]) -> None:
    figure = Figure()
    axes, x = figure.subplots(), 10.0 ** np.linspace(*ends, 3)
    scales.set_levels(axes, scales.Levels(x, "log", ("a", "b", "c")), room=5.0)
    low, high = axes.get_xlim()
    assert 0 < low <= x[0] < x[-1] <= high < np.inf
    assert (low < x[0]) == (ends != (-307, 308))
    figure.savefig(BytesIO())
