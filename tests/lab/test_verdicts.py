from typing import Any

import numpy as np
import pytest

from figures.made_up import diverged, experiment, history, results
from normlab.lab import Experiment, Results
from normlab.lab.claims import Claim
from normlab.lab.verdicts import Verdict


def claim(**changes: Any) -> dict[str, Any]:
    """With normalization the final accuracy is larger."""
    return {
        "statement": "It helps.",
        "about": "made up",
        "source": "nowhere",
        "response": "train_accuracy",
        "direction": "larger",
        **changes,
    }


def judged(claim: dict[str, Any], found: Results | None = None, **changes: Any) -> Verdict:
    """The verdict on a claim: 0.1 without, 0.7, 0.8 and 0.9 with normalization at either scale."""
    design = experiment(claims=[claim], **changes)
    made = found or results(design)
    return Results(design, made.trials).verdicts()[0]


def accuracies(without: tuple[float, ...], with_it: tuple[float, ...]) -> Results:
    """The same final accuracies at both scales, one a replicate."""
    places = {}
    for scale in (1.0, 0.1):
        for i, value in enumerate(without):
            places[scale, "none", i] = history((0.1, 0.1, value))
        for i, value in enumerate(with_it):
            places[scale, "batch", i] = history((0.1, 0.1, value))
    return results(experiment(), places)


def test_an_interval_beyond_the_margin_supports() -> None:
    verdict = judged(claim(margin=0.3))
    assert verdict.answer == "supported"
    assert [place.answer for place in verdict.places] == ["supported", "supported"]


def test_the_effect_is_the_mean_paired_difference_with_its_interval() -> None:
    mean, low, high, n_pairs = judged(claim()).effect
    half = 4.302652729 * 0.1 / np.sqrt(3)  # t of 2 degrees, standard deviation 0.1
    assert (mean, low, high) == pytest.approx((0.7, 0.7 - half, 0.7 + half))
    assert n_pairs == 3


def test_an_interval_on_the_other_side_contradicts() -> None:
    assert judged(claim(direction="smaller")).answer == "contradicted"
    assert judged(claim(margin=0.99)).answer == "contradicted"


def test_a_negative_margin_allows_to_be_worse_by_as_much() -> None:
    assert judged(claim(direction="smaller", margin=0.0)).answer == "contradicted"
    assert judged(claim(direction="smaller", margin=-0.99)).answer == "supported"


@pytest.mark.parametrize("edge", [0.6, 0.8])
def test_an_interval_across_the_margin_is_undecided(edge: float) -> None:
    assert judged(claim(margin=edge)).answer == "undecided"
    assert judged(claim(direction="smaller", margin=-edge)).answer == "undecided"


def test_no_difference_at_all_contradicts_a_difference() -> None:
    same = accuracies((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert judged(claim(), same).answer == "contradicted"


def test_fewer_than_three_replicates_are_undecided_however_clear() -> None:
    design = experiment(replicates=2, claims=[claim()])
    verdict = results(design).verdicts()[0]
    assert verdict.answer == "undecided"
    assert verdict.effect.n_pairs == 2


def test_nothing_run_is_undecided() -> None:
    verdict = Results(experiment(claims=[claim()]), []).verdicts()[0]
    assert (verdict.answer, verdict.effect.n_pairs) == ("undecided", 0)


def test_a_missing_trial_leaves_its_pair_out() -> None:
    found = results(experiment(), {(1.0, "batch", 0): None})
    assert [place.effect.n_pairs for place in judged(claim(), found).places] == [2, 3]


def helps_at_one_scale_only() -> Results:
    worse = {(0.1, "batch", i): history((0.1, 0.1, 0.05 + 0.001 * i)) for i in range(3)}
    return results(experiment(), worse)


def test_a_claim_must_hold_at_every_combination_unless_it_says_at_how_many() -> None:
    assert judged(claim(), helps_at_one_scale_only()).answer == "contradicted"
    assert judged(claim(at_least=1), helps_at_one_scale_only()).answer == "supported"


def test_a_claim_that_may_yet_hold_often_enough_is_undecided() -> None:
    unsure = {
        (1.0, "batch", i): history((0.1, 0.1, 0.1 + x)) for i, x in enumerate((-0.05, 0, 0.1))
    }
    worse = {(0.1, "batch", i): history((0.1, 0.1, 0.05 + 0.001 * i)) for i in range(3)}
    verdict = judged(claim(at_least=1), results(experiment(), unsure | worse))
    assert [place.answer for place in verdict.places] == ["undecided", "contradicted"]
    assert verdict.answer == "undecided"


def test_more_combinations_than_there_are_leave_it_undecided() -> None:
    assert judged(claim(at_least=3)).answer == "undecided"


def test_where_names_the_levels_it_is_about() -> None:
    verdict = judged(claim(where={"weight_scale": 1.0}), helps_at_one_scale_only())
    assert verdict.answer == "supported"
    assert [place.levels for place in verdict.places] == [{"weight_scale": 1.0}]


def test_a_level_that_was_not_run_leaves_it_undecided() -> None:
    assert judged(claim(where={"weight_scale": 7.0})).answer == "undecided"


def test_levels_are_matched_as_numbers_not_bits() -> None:
    assert len(judged(claim(where={"weight_scale": 0.1 + 1e-12})).places) == 1


def test_a_ratio_is_averaged_on_a_logarithmic_scale() -> None:
    found = accuracies((0.1, 0.1, 0.1), (0.2, 0.4, 0.8))
    verdict = judged(claim(compare="ratio", margin=1.5), found)
    assert verdict.effect.mean == pytest.approx(4)
    assert verdict.effect.low * verdict.effect.high == pytest.approx(16)


@pytest.mark.parametrize(
    ("direction", "margin", "answer"),
    [
        ("larger", 3, "supported"),
        ("larger", 6, "contradicted"),
        ("smaller", 1, "contradicted"),
        ("larger", 4, "undecided"),
    ],
)
def test_the_margin_of_a_ratio_is_a_factor(direction: str, margin: float, answer: str) -> None:
    found = accuracies((0.1, 0.1, 0.1), (0.38, 0.4, 0.42))
    told = claim(compare="ratio", direction=direction, margin=margin)
    assert judged(told, found).answer == answer


def test_smaller_by_a_factor_is_below_one_over_it() -> None:
    found = accuracies((0.8, 0.8, 0.8), (0.1, 0.1, 0.1))
    for margin, answer in ((4, "supported"), (10, "contradicted")):
        told = claim(compare="ratio", direction="smaller", margin=margin)
        assert judged(told, found).answer == answer


@pytest.mark.parametrize(
    ("value", "tolerance", "answer"),
    [(0.8, 0.3, "supported"), (0.8, 0.1, "undecided"), (0.2, 0.1, "contradicted")],
)
def test_a_value_is_equal_where_its_interval_lies_within_the_tolerance(
    value: float, tolerance: float, answer: str
) -> None:
    told = claim(
        compare="value",
        direction="equal",
        value=value,
        tolerance=tolerance,
        where={"normalization": "batch"},
    )
    assert judged(told).answer == answer


def test_a_value_may_be_above_or_below_a_number() -> None:
    where = {"normalization": "none"}
    below = claim(compare="value", direction="smaller", value=0.2, where=where)
    above = claim(compare="value", direction="larger", value=0.2, where=where)
    assert judged(below).answer == "supported"
    assert judged(above).answer == "contradicted"


def test_another_pair_of_levels_may_be_compared() -> None:
    told = claim(factor="weight_scale", baseline=1.0, treatment=0.1, direction="equal")
    verdict = judged(told | {"tolerance": 0.01})
    assert verdict.answer == "supported"
    assert [place.levels for place in verdict.places] == [
        {"normalization": "none"},
        {"normalization": "batch"},
    ]


def test_the_range_over_a_factor_is_taken_in_each_replicate() -> None:
    told = claim(over={"factor": "weight_scale", "reduce": "range"})
    verdict = judged(told, helps_at_one_scale_only())
    assert [place.levels for place in verdict.places] == [{}]
    assert verdict.effect.mean == pytest.approx(0.749)


def test_the_largest_level_is_that_at_which_the_response_is_good_enough() -> None:
    over = {"factor": "weight_scale", "reduce": "largest", "value": 0.5}
    verdict = judged(claim(over=over, compare="ratio", margin=5))
    assert verdict.effect.mean == pytest.approx(10)  # 1 with it; without it nowhere, so 0.1
    assert verdict.answer == "supported"


def test_good_enough_is_the_value_itself() -> None:
    over = {"factor": "weight_scale", "reduce": "largest", "value": 0.7}
    same = accuracies((0.1, 0.1, 0.1), (0.7, 0.7, 0.7))
    assert judged(claim(over=over, compare="ratio"), same).effect.mean == pytest.approx(10)


@pytest.mark.parametrize("reduce", ["range", "largest"])
def test_what_is_reduced_over_a_factor_needs_every_level_of_a_replicate(reduce: str) -> None:
    over: dict[str, Any] = {"factor": "weight_scale", "reduce": reduce}
    if reduce == "largest":
        over["value"] = 0.5
    found = results(experiment(), {(0.1, "batch", 0): None})
    verdict = judged(claim(over=over), found)
    assert (verdict.effect.n_pairs, verdict.n_nan) == (2, 0)


def test_an_infinite_loss_is_no_warning_and_no_guess() -> None:
    ends = {("none", i): diverged(5, train_loss=(1.0, np.inf)) for i in range(3)}
    found = results(experiment(), {(1.0, *place): h for place, h in ends.items()})
    told = claim(response="train_loss", direction="smaller", where={"weight_scale": 1.0})
    assert judged(told, found).answer == "undecided"


def test_a_pair_without_a_number_is_undecided_and_is_told() -> None:
    losses = {("none", i): (2.0, 2.0, 2.0 + i / 10) for i in range(4)}
    losses |= {("batch", i): (1.0, 1.0, 1.0 - i / 10) for i in range(4)}
    ends = {place: history(train_loss=loss) for place, loss in losses.items()}
    ends["none", 0] = diverged(5, train_loss=(1.0, np.nan))
    found = results(experiment(replicates=4), {(1.0, *place): h for place, h in ends.items()})
    told = claim(response="train_loss", direction="smaller", where={"weight_scale": 1.0})
    verdict = judged(told, found, replicates=4)
    assert (verdict.answer, verdict.n_nan, verdict.effect.n_pairs) == ("undecided", 1, 3)
    there = Results(found.experiment, [t for t in found.trials if t.history != ends["none", 0]])
    assert judged(told, there, replicates=4).answer == "supported"  # as of a trial not yet run


REDUCED = {"range": 0.75, "mean": 0.425, "min": 0.05, "max": 0.8}


@pytest.mark.parametrize(("reduce", "number"), REDUCED.items())
def test_a_response_is_reduced_over_a_factor(reduce: str, number: float) -> None:
    low = {(0.1, "batch", i): history((0.1, 0.1, 0.05)) for i in range(3)}
    high = {(1.0, "batch", i): history((0.1, 0.1, 0.8)) for i in range(3)}
    told = claim(over={"factor": "weight_scale", "reduce": reduce}, compare="value", value=0.0)
    verdict = judged(told | {"where": {"normalization": "batch"}}, results(histories=low | high))
    assert verdict.effect.mean == pytest.approx(number)


@pytest.mark.parametrize("reduce", REDUCED)
def test_levels_that_were_not_run_leave_what_is_reduced_over_them_undecided(reduce: str) -> None:
    over = {"factor": "weight_scale", "reduce": reduce}
    assert judged(claim(over=over, where={"weight_scale": [7.0, 8.0]})).answer == "undecided"


def test_the_range_of_one_level_says_nothing() -> None:
    told = claim(over={"factor": "weight_scale", "reduce": "range"}, direction="smaller")
    told |= {"compare": "value", "value": 0.5, "where": {"weight_scale": [1.0, 7.0]}}
    assert judged(told).answer == "undecided"


def wrong(**changes: Any) -> str:
    with pytest.raises(ValueError, match="must") as error:
        Claim.model_validate(claim(**changes))
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"baseline": "none"}, "factor, baseline and treatment together"),
        ({"direction": "equal"}, "a tolerance exactly where direction is 'equal'"),
        ({"tolerance": 0.1}, "a tolerance exactly where direction is 'equal'"),
        ({"compare": "value"}, "a value exactly where compare is 'value'"),
        ({"compare": "value", "value": 1.0, "margin": 0.1}, "a margin only for"),
        ({"compare": "ratio", "margin": 0.5}, "a margin of at least 1"),
        ({"compare": "ratio", "direction": "equal", "tolerance": 0.1}, "'larger' or 'smaller'"),
        ({"over": {"factor": "a", "reduce": "largest"}}, "a value exactly where reduce"),
        ({"over": {"factor": "a", "reduce": "mean", "value": 1}}, "a value exactly where reduce"),
    ],
)
def test_what_a_claim_needs_is_said(changes: dict[str, Any], rule: str) -> None:
    assert rule in wrong(**changes)


def test_a_made_up_experiment_has_no_claims(plain: Experiment) -> None:
    assert results(plain).verdicts() == ()


@pytest.fixture
def plain() -> Experiment:
    return experiment()
