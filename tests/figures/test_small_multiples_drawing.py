from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.made_up import (
    PANELS,
    PUBLISHED,
    diverged,
    experiment,
    history,
    results,
    scales,
    with_published,
)
from normlab.figures.small_multiples import draw, numbers
from normlab.lab import Results


def drawing(found: Results | None = None, **changes: Any) -> Figure:
    return draw(numbers(found or results(), PANELS.model_copy(update=changes)))


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def crosses(axes: Axes) -> list[Any]:
    return [line for line in axes.lines if line.get_marker() == "x"]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


ALL_DIVERGED = {(1.0, "none", i): diverged(4) for i in range(3)}


@pytest.mark.parametrize(
    ("n", "grid"), [(1, (1, 1)), (3, (1, 3)), (5, (2, 3)), (7, (3, 3)), (16, (4, 4))]
)
def test_panels_stand_in_a_grid_as_square_as_can_be(n: int, grid: tuple[int, int]) -> None:
    figure = drawing(results(scales(*np.logspace(0, -4, n).tolist(), replicates=1)))
    assert len(figure.axes) == n
    subplot = figure.axes[0].get_subplotspec()
    assert subplot is not None
    assert subplot.get_gridspec().get_geometry() == grid


def test_each_panel_has_its_scale_as_its_title() -> None:
    assert [axes.get_title() for axes in drawing().axes] == ["w = 1", "w = 0.1"]


def test_with_is_solid_and_without_is_dashed() -> None:
    without, with_normalization = drawing().axes[0].lines
    assert with_normalization.get_linestyle() == "-"
    assert without.get_linestyle() == "--"


def test_lines_differ_in_color() -> None:
    colors = [line.get_color() for line in drawing().axes[0].lines]
    assert colors == ["#D55E00", "#0072B2"]


def test_accuracies_are_drawn_from_0_to_1() -> None:
    low, high = drawing().axes[0].get_ylim()
    assert -0.1 < low < 0
    assert 1 < high < 1.1


def test_losses_over_decades_are_drawn_on_a_log_axis() -> None:
    loss = np.array([2.0, 1.0, 1e-3])
    found = {(1.0, "none", 0): history(train_loss=loss)}
    figure = drawing(results(histories=found), response="train_loss")
    assert figure.axes[0].get_yscale() == "log"


def test_a_band_is_drawn_for_each_line() -> None:
    assert len(drawing().axes[0].collections) == 2


def test_one_replicate_has_no_band() -> None:
    figure = drawing(results(experiment(replicates=1)))
    assert len(figure.axes[0].collections) == 0
    assert legend(figure) == ["with batch normalization", "without"]


def test_one_legend_tells_lines_and_band() -> None:
    figure = drawing()
    assert len(figure.legends) == 1
    assert legend(figure) == ["with batch normalization", "without", "range of 3 replicates"]


def test_only_outer_panels_have_tick_labels() -> None:
    figure = drawing(results(scales(*np.logspace(0, -4, 5).tolist(), replicates=1)))
    below = [len(axes.get_xticklabels()) > 0 for axes in figure.axes]
    assert below == [False, False, True, True, True]


def test_axes_are_named_once() -> None:
    figure = drawing()
    assert figure.get_supxlabel() == "epoch"
    assert figure.get_supylabel() == "training accuracy"


def test_the_title_is_that_of_the_experiment() -> None:
    assert "Made-up numbers" in [text.get_text() for text in drawing().texts]


def test_divergence_is_marked_at_its_place() -> None:
    figure = drawing(results(histories=ALL_DIVERGED))
    (cross,) = crosses(figure.axes[0])
    np.testing.assert_allclose(cross.get_xdata(), 0.3)
    np.testing.assert_allclose(cross.get_ydata(), 0)
    assert crosses(figure.axes[1]) == []


def test_divergence_is_counted_in_words() -> None:
    figure = drawing(results(histories=ALL_DIVERGED))
    assert texts(figure.axes[0]) == ["3/3 diverged"]
    assert "diverged" in legend(figure)


def test_some_diverged_replicates_are_counted_once() -> None:
    some = {(1.0, "none", 0): diverged(3), (1.0, "none", 1): diverged(4)}
    axes = drawing(results(histories=some)).axes[0]
    assert len(crosses(axes)) == 2
    assert texts(axes) == ["2/3 diverged"]


def test_a_single_point_before_divergence_is_visible() -> None:
    axes = drawing(results(histories=ALL_DIVERGED)).axes[0]
    (line,) = [line for line in axes.lines if line.get_marker() == "s"]
    np.testing.assert_allclose(np.asarray(line.get_ydata()), 0.1)


def test_divergence_without_a_measurement_is_marked_near_the_bottom() -> None:
    nothing = {(1.0, "none", i): diverged(4, final=np.nan) for i in range(3)}
    axes = drawing(results(histories=nothing)).axes[0]
    assert crosses(axes)[0].get_transform() == axes.get_xaxis_transform()


def test_late_divergence_is_told_left_of_its_mark() -> None:
    late = {(1.0, "none", 0): diverged(20), (0.1, "none", 0): diverged(2)}
    figure = drawing(results(histories=late))
    assert [axes.texts[0].get_horizontalalignment() for axes in figure.axes] == ["right", "left"]


def test_published_points_are_overlaid_filled_and_open(tmp_path: Path) -> None:
    figure = drawing(results(with_published(tmp_path, PUBLISHED)))
    points = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert [line.get_markerfacecolor() for line in points] == ["none", "#0072B2"]
    assert "published single run" in legend(figure)
    assert len(figure.axes[1].lines) == 2


def test_a_panel_without_trials_says_so() -> None:
    nothing = {(1.0, kind, i): None for kind in ("none", "batch") for i in range(3)}
    assert texts(drawing(results(histories=nothing)).axes[0]) == ["not run"]


def test_results_without_trials_are_drawn() -> None:
    assert len(drawing(Results(experiment(), [])).axes) == 2


def test_a_third_line_has_a_look_of_its_own() -> None:
    figure = drawing(results(scales(1.0, 0.1, 0.01)), panels="normalization", lines="weight_scale")
    lines = figure.axes[0].lines
    assert len({line.get_color() for line in lines}) == 3
    assert legend(figure)[:3] == ["w = 1", "w = 0.1", "w = 0.01"]


def test_drawing_leaves_global_settings_alone() -> None:
    before = dict(mpl.rcParams)
    drawing()
    assert dict(mpl.rcParams) == before
