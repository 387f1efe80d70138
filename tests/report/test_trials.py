import pytest

from figures.made_up import diverged, results
from normlab.report import trials
from report.shown import design


def test_a_row_is_a_trial_with_every_response_that_some_trial_has() -> None:
    grid = trials.grid(results(design()))
    assert grid.name == "All trials"
    assert grid.header == (
        *("w", "batch normalization", "replicate", "training accuracy"),
        *("best training accuracy", "steps to one half"),
    )
    assert len(grid.rows) == 12
    assert [cell.text for cell in grid.rows[3]] == [*("1", "batch", "0", "0.7000", "0.7000", "11")]


def test_a_step_that_did_not_come_sorts_behind_those_that_did() -> None:
    grid = trials.grid(results(design()))
    cell = grid.rows[0][-1]
    assert cell.text == "> 21"
    assert cell.value == float("inf")
    assert grid.note == "> 21: not reached by the last step."


def test_a_trial_that_is_missing_has_no_row() -> None:
    assert len(trials.grid(results(design(), {(1.0, "none", 0): None})).rows) == 11


def test_the_step_of_divergence_is_empty_where_there_was_none() -> None:
    grid = trials.grid(results(design(), {(1.0, "none", 0): diverged(4)}))
    column = grid.header.index("step of divergence")
    assert [row[column].text for row in grid.rows[:2]] == ["4", ""]


def test_above_many_trials_a_row_is_a_combination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST", 11)
    grid = trials.grid(results(design()))
    assert grid.name == "All combinations of levels"
    assert len(grid.rows) == 4
    assert [cell.text for cell in grid.rows[1][:4]] == [
        *("1", "batch", "3", "0.8000 (0.7000 to 0.9000)")
    ]
    assert grid.rows[1][3].value == pytest.approx(0.8)
    assert "12 trials" in grid.note
    assert "share that diverged" in grid.header


def test_numbers_are_aligned_to_the_right_and_words_are_not() -> None:
    grid = trials.grid(results(design()))
    assert grid.numbers == (True, False, True, True, True, True)
