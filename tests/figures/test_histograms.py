from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.made_up import HISTOGRAMS, SHARES, experiment, probed, probed_results, results
from normlab.figures.histograms import Histograms, alt, draw, numbers
from normlab.lab import Results


def figure(found: Results | None = None, **changes: Any) -> Histograms:
    return numbers(found or probed_results(), HISTOGRAMS.model_copy(update=changes))


def test_shares_are_the_mean_over_replicates() -> None:
    other = probed(shares=np.array([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]))
    found = figure(probed_results(histories={(1.0, "none", 2): other}))
    assert found.edges.tolist() == [0, 1, 2, 3, 4]
    assert found.panels[0].step.tolist() == [1, 21]
    assert_allclose(found.panels[0].share, (2 * SHARES + [1, 0, 0, 0]) / 3)
    assert_allclose(found.panels[1].share, SHARES)


def test_a_trial_that_ended_early_counts_where_it_was_probed() -> None:
    early = probed((0.1,), steps=(1,), probed_steps=(1,), diverged_at_step=4)
    found = figure(probed_results(histories={(1.0, "none", i): early for i in range(2)}))
    assert_allclose(found.panels[0].share, SHARES)


def test_quartiles_lie_within_their_bins_and_on_the_rim_in_end_bins() -> None:
    (first, second) = figure().panels[0].quartiles
    assert_allclose(first, [0, 0, 2])
    assert_allclose(second, [0, 0, 1.5])


def test_a_layer_that_is_not_there_is_said() -> None:
    found = figure(layer="Tanh 2")
    assert [panel.note for panel in found.panels] == ["no Tanh 2 here"] * 2


def test_a_level_without_trials_is_not_run() -> None:
    nothing = {(1.0, "none", i): None for i in range(3)}
    assert [panel.note for panel in figure(probed_results(histories=nothing)).panels] == [
        "not run",
        "",
    ]


@pytest.mark.parametrize(("layer", "said"), [("ReLU 1", True), ("Sigmoid 1", False)])
def test_what_lies_beyond_the_edges_is_said_where_there_may_be_some(layer: str, said: bool) -> None:
    assert ("what lies beyond" in figure(layer=layer).text.subtitle) == said


def test_each_panel_is_a_map_with_quartiles() -> None:
    first, second, _ = draw(figure()).axes
    assert len(first.collections) == len(second.collections) == 1
    assert len(first.lines) == 3
    assert first.get_title() == "without batch normalization"


def test_colors_are_spent_between_the_end_bins() -> None:
    assert figure().darkest == 0.25
    assert figure().has_more


def test_one_probed_step_is_drawn() -> None:
    one = probed((0.1,), steps=(1,), probed_steps=(1,))
    design = experiment(replicates=1)
    found = results(design, {(w, k, 0): one for w in (1.0, 0.1) for k in ("none", "batch")})
    (line, *_) = draw(figure(found)).axes[0].lines
    assert line.get_marker() == "o"


def test_it_is_told_in_numbers() -> None:
    nothing = {(1.0, "batch", i): None for i in range(3)}
    assert alt(figure(probed_results(histories=nothing))) == (
        "Distribution of the output of ReLU 1, from 0 to 4, during training."
        " Without batch normalization: at step 1 median 0, half between 0 and 2,"
        " 50% in the lowest bin, 0% in the highest,"
        " at step 21 median 0, half between 0 and 1.5, 70% in the lowest bin, 10% in the highest;"
        " with batch normalization: not run."
    )
