from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

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
from normlab.figures.curves import Curve, Curves
from normlab.figures.small_multiples import alt, numbers
from normlab.lab import Results


def figure(found: Results | None = None, **changes: Any) -> Curves:
    return numbers(found or results(), PANELS.model_copy(update=changes))


def curve(found: Results | None = None, panel: int = 0, line: int = 1) -> Curve:
    return figure(found).panels[panel].curves[line]


CELLS = [(scale, kind, 0) for scale in (1.0, 0.1) for kind in ("none", "batch")]


def three(one: Any) -> dict[tuple[Any, ...], Any]:
    """The same training for each replicate of the first scale, without normalization."""
    return {(1.0, "none", replicate): one for replicate in range(3)}


def test_a_panel_is_a_level_with_its_title() -> None:
    assert [panel.title for panel in figure().panels] == ["w = 1", "w = 0.1"]


def test_curves_are_named_and_know_their_part_in_the_contrast() -> None:
    found = [(curve.name, curve.role) for curve in figure().panels[0].curves]
    assert found == [("without", "baseline"), ("with batch normalization", "treatment")]


def test_mean_and_range_are_over_replicates() -> None:
    found = curve()
    assert_allclose(found.mean, [0.1, 0.5, 0.8])
    assert_allclose(found.low, [0.1, 0.5, 0.7])
    assert_allclose(found.high, [0.1, 0.5, 0.9])
    assert found.n_replicates == 3


def test_x_is_the_epoch_where_each_was_recorded_once() -> None:
    assert curve().x.tolist() == [0, 1, 2]
    assert figure().text.x == "epoch"


def test_x_is_the_step_where_an_epoch_was_recorded_twice() -> None:
    often = history((0.1, 0.2, 0.3), epochs=(0, 0, 1))
    found = figure(results(experiment(replicates=1), dict.fromkeys(CELLS, often)))
    assert found.text.x == "step"
    assert found.panels[0].curves[0].x.tolist() == [1, 11, 21]


def test_a_missing_trial_is_left_out_of_mean_and_count() -> None:
    found = curve(results(histories={(1.0, "batch", 2): None}))
    assert_allclose(found.mean[-1], 0.75)
    assert found.n_replicates == 2


def test_a_level_without_trials_has_an_empty_curve() -> None:
    found = curve(results(histories={(1.0, "batch", i): None for i in range(3)}))
    assert found.n_replicates == len(found.x) == len(found.mean) == 0


def test_a_response_is_shown_only_where_it_was_recorded() -> None:
    last = history(test_accuracy=np.array([np.nan, np.nan, 0.6]))
    found = figure(results(histories=three(last)), response="test_accuracy")
    assert found.panels[0].curves[0].x.tolist() == [2]


def test_a_curve_ends_where_its_replicates_diverged() -> None:
    found = curve(results(histories=three(diverged(4))), line=0)
    assert found.x.tolist() == [0]
    assert_allclose(found.mean, [0.1])


def test_a_divergence_stands_between_the_epochs_where_it_happened() -> None:
    found = curve(results(histories=three(diverged(6, final=0.05))), line=0)
    (divergence,) = found.divergences
    assert_allclose(divergence, [0.5, 0.05, 3])


def test_a_training_of_one_recorded_step_has_not_diverged() -> None:
    once = history((0.1,), steps=(1,))
    found = figure(results(experiment(replicates=1), dict.fromkeys(CELLS, once)))
    assert [curve.n_diverged for curve in found.curves] == [0] * 4


def test_divergences_are_counted_by_step() -> None:
    changes = {(1.0, "none", 0): diverged(3), (1.0, "none", 2): diverged(4)}
    found = curve(results(histories=changes), line=0)
    assert [d.n_replicates for d in found.divergences] == [1, 1]
    assert_allclose([d.x for d in found.divergences], [0.2, 0.3])
    assert found.n_diverged == 2


def test_nothing_measured_on_divergence_leaves_its_height_open() -> None:
    found = curve(results(histories=three(diverged(4, final=np.nan))), line=0)
    assert np.isnan(found.divergences[0].y)


def test_a_design_that_diverges_at_once_everywhere_has_empty_curves() -> None:
    at_once = history((0.1,), steps=(1,), diverged_at_step=1)
    found = figure(results(experiment(replicates=1), dict.fromkeys(CELLS, at_once)))
    assert [len(curve.x) for curve in found.curves] == [0] * 4
    assert [curve.divergences[0].x for curve in found.curves] == [0] * 4


def test_published_points_are_those_of_their_panel_and_line(tmp_path: Path) -> None:
    found = figure(results(with_published(tmp_path, PUBLISHED)))
    with_normalization = found.panels[0].curves[1]
    assert with_normalization.published_x is not None
    assert with_normalization.published is not None
    assert with_normalization.published_x.tolist() == [0, 1]
    assert with_normalization.published.tolist() == [0.4, 0.6]
    assert [curve.published is None for curve in found.curves] == [False, False, True, True]


def test_panels_and_lines_may_be_swapped() -> None:
    found = figure(panels="normalization", lines="weight_scale")
    assert [panel.title for panel in found.panels] == [
        "without batch normalization",
        "with batch normalization",
    ]
    assert_allclose(found.panels[1].curves[0].mean, [0.1, 0.5, 0.8])


def test_other_factors_are_held_at_their_first_levels_and_named() -> None:
    factors = {name: f.model_dump() for name, f in experiment().factors.items()}
    factors["rate"] = {"field": "training.learning_rate", "levels": [0.01, 0.1]}
    design = experiment(factors=factors)
    changes = {(1.0, "batch", 0.1, replicate): history((0, 0, 0)) for replicate in range(3)}
    found = figure(results(design, changes))
    assert_allclose(found.panels[0].curves[1].mean, [0.1, 0.5, 0.8])
    assert found.text.subtitle.endswith("Here, rate = 0.01.")


def test_the_subtitle_says_what_panels_and_lines_are() -> None:
    assert figure().text.subtitle == (
        "Training accuracy over training. One panel for each w, the scale of weights."
        " Lines: mean of 3 replicates."
    )


def test_one_replicate_is_no_mean() -> None:
    assert figure(results(experiment(replicates=1))).text.subtitle.endswith("Lines: 1 replicate.")


def test_an_accuracy_is_a_share() -> None:
    assert figure().scale == "share"


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (1e-3, "log"), (0.0, "linear")])
def test_a_loss_is_on_a_log_axis_where_it_spans_decades(last: float, scale: str) -> None:
    falling = history(train_loss=np.array([2.0, 1.0, last]))
    found = figure(results(histories=three(falling)), response="train_loss")
    assert found.scale == scale


def test_levels_of_the_weight_scale_keep_their_order() -> None:
    found = figure(results(scales(0.01, 1.0, 0.1)))
    assert [panel.title for panel in found.panels] == ["w = 0.01", "w = 1", "w = 0.1"]


def test_it_is_told_in_numbers() -> None:
    found = results(histories=three(diverged(4, final=0.05)))
    assert alt(figure(found)) == (
        "Training accuracy over epochs 0 to 2, a panel each for w = 1, w = 0.1."
        " Without: at the end 0.1 (w = 0.1 alone);"
        " with batch normalization: at the end 0.8 throughout."
        " Trials that diverged: without: 3 of 6."
    )
