from typing import Any

import pytest

from figures.made_up import results
from normlab.lab.claims import Claim
from normlab.lab.intervals import Difference
from normlab.report import verdicts
from normlab.report.strips import Dot, Tick, line
from report.shown import LARGER, STEPS, WRONG, design

NAN = float("nan")


def claim(**changes: Any) -> Claim:
    return Claim.model_validate(LARGER | changes)


def test_claims_are_counted_by_their_answers() -> None:
    found = verdicts.counts(verdicts.views(results(design())))
    assert [(count.answer, count.n) for count in found] == [("supported", 2), ("contradicted", 1)]


def test_few_replicates_are_said_to_leave_it_undecided() -> None:
    found = verdicts.views(results(design(replicates=2)))
    assert found[0].answer == "undecided"
    assert found[0].notes == ("Fewer than 3 replicates leave every claim undecided.",)


def test_a_claim_at_several_combinations_is_a_dot_for_each() -> None:
    found = verdicts.views(results(design(claims=[STEPS, WRONG])))
    strips = [view.strip for view in found]
    assert [len(strip.dots) for strip in strips if strip] == [2, 2]
    assert [dot.holds for strip in strips if strip for dot in strip.dots] == [True] * 2 + [
        False
    ] * 2


def test_a_claim_at_one_combination_is_a_dot_with_an_interval() -> None:
    (found,) = verdicts.views(results(design(claims=[LARGER | {"where": {"weight_scale": 1.0}}])))
    assert found.holds_at == ""
    assert found.strip is not None
    assert len(found.strip.dots) == 1
    assert found.strip.interval is not None


def test_zeros_at_the_end_of_a_number_tell_how_exactly_it_is_known() -> None:
    wanted = {"compare": "value", "value": 0.5, "where": {"normalization": "batch"}}
    (found,) = verdicts.views(results(design(claims=[LARGER | wanted])))
    assert found.effect == "0.800"
    assert found.interval == "0.552 to 1.05"


def test_a_line_holds_its_effects_the_bounds_and_no_effect() -> None:
    drawn = line(claim(margin=0.5), [Difference(1.0, 0.9, 1.1, 3)])
    strip = drawn.of_one(Difference(1.0, 0.9, 1.1, 3), holds=True)
    assert strip is not None
    assert strip.interval is not None
    low, high = strip.interval
    assert 0 < strip.holds[0] < low < strip.dots[0].place < high < strip.holds[1] == 100
    assert [tick.text for tick in drawn.ticks()] == ["0.5", "0"]


def test_a_ratio_is_drawn_on_a_logarithmic_line() -> None:
    effects = [Difference(value, NAN, NAN, 1) for value in (0.1, 10.0)]
    drawn = line(claim(compare="ratio"), effects)
    strip = drawn.of_all(effects, [False, True])
    assert strip is not None
    first, second = strip.dots
    assert first.place + second.place == pytest.approx(100)
    assert drawn.ticks() == (Tick(50.0, "1"),)


def test_what_is_not_finite_is_not_drawn() -> None:
    nothing, infinite = Difference(NAN, NAN, NAN, 0), Difference(float("inf"), NAN, NAN, 1)
    drawn = line(claim(), [nothing, infinite])
    assert drawn.of_one(nothing, holds=False) is None
    assert drawn.of_all([nothing, infinite], [False, False]) is None


def test_a_mean_without_an_interval_is_a_dot() -> None:
    strip = line(claim(), []).of_one(Difference(0.0, NAN, NAN, 1), holds=False)
    assert strip is not None
    assert strip.interval is None
    assert strip.dots == (Dot(50.0, False),)
