"""Verdicts on steps that were waited for: where they did not come, the last step is a bound."""

from typing import Any

import pytest

from figures.made_up import history, results
from lab.test_verdicts import claim, judged

STEPS = {
    "label": "steps to 0.5",
    "kind": "steps-to-reach",
    "quantity": "train_accuracy",
    "value": 0.5,
}

AT_1, AT_11 = (0.6, 0.6, 0.6), (0.1, 0.5, 0.6)
NEVER = (0.1, 0.1, 0.1)  # 21, the last step, is but a bound


def waited(
    without: tuple[float, ...], with_it: tuple[float, ...], **changes: Any
) -> tuple[str, int]:
    """The verdict on fewer steps with normalization, and how many trials did not get there."""
    ways = {"none": without, "batch": with_it}
    found = {
        (w, k, i): history(way) for w in (1.0, 0.1) for k, way in ways.items() for i in (0, 1, 2)
    }
    told = claim(response="steps", direction="smaller") | changes
    verdict = judged(told, results(histories=found), responses={"steps": STEPS})
    return verdict.answer, verdict.n_unreached


def test_a_bound_decides_what_holds_beyond_it_too() -> None:
    assert waited(NEVER, AT_11) == ("supported", 6)
    assert waited(NEVER, AT_11, margin=5.0) == ("supported", 6)
    assert waited(AT_11, NEVER) == ("contradicted", 6)
    assert waited(NEVER, AT_11, direction="larger") == ("contradicted", 6)
    assert waited(AT_11, NEVER, direction="larger") == ("supported", 6)


def test_a_bound_decides_nothing_else() -> None:
    assert waited(NEVER, NEVER) == ("undecided", 12)
    assert waited(NEVER, NEVER, direction="larger") == ("undecided", 12)
    assert waited(NEVER, AT_11, margin=15.0) == ("undecided", 6)
    assert waited(AT_11, NEVER, direction="larger", margin=15.0) == ("undecided", 6)
    assert waited(AT_11, AT_1, margin=15.0) == ("contradicted", 0)


def test_a_bound_is_equal_to_nothing_but_may_be_too_far() -> None:
    near: dict[str, Any] = {"direction": "equal", "tolerance": 15.0}
    far: dict[str, Any] = {"direction": "equal", "tolerance": 5.0}
    assert waited(AT_1, AT_11, **near) == ("supported", 0)
    assert waited(NEVER, AT_11, **near) == waited(AT_11, NEVER, **near) == ("undecided", 6)
    assert waited(NEVER, AT_11, **far) == waited(AT_11, NEVER, **far) == ("contradicted", 6)


def test_a_value_that_did_not_come_is_larger_than_the_last_step() -> None:
    told: dict[str, Any] = {"compare": "value", "where": {"normalization": "batch"}}
    assert waited(AT_1, NEVER, **told, value=20.0, direction="larger") == ("supported", 6)
    assert waited(AT_1, NEVER, **told, value=30.0) == ("undecided", 6)
    assert waited(AT_1, NEVER, **told, value=30.0, direction="larger") == ("undecided", 6)


def test_the_least_is_known_where_one_level_got_there() -> None:
    ways = {(1.0, "none"): AT_11, (0.1, "none"): NEVER, (1.0, "batch"): NEVER, (0.1, "batch"): AT_1}
    found = results(histories={(*k, i): history(way) for k, way in ways.items() for i in (0, 1, 2)})
    answers = []
    for reduce in ("min", "max"):
        over = {"factor": "weight_scale", "reduce": reduce}
        told = claim(response="steps", direction="smaller", margin=9.5, over=over)
        answers.append(judged(told, found, responses={"steps": STEPS}).answer)
    assert answers == ["supported", "undecided"]


def test_waiting_in_vain_counts_with_the_last_step_and_is_told() -> None:
    told = claim(response="steps", compare="ratio", direction="smaller")
    verdict = judged(told, responses={"steps": STEPS})
    assert verdict.effect.mean == pytest.approx(11 / 21)
    assert verdict.n_unreached == 6
    assert verdict.answer == "supported"
