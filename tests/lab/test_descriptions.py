from typing import Any

import pytest

from figures.made_up import experiment
from lab.test_verdicts import claim
from normlab import lab
from normlab.lab import descriptions
from normlab.lab.claims import Claim


def told(**changes: Any) -> Claim:
    return Claim.model_validate(claim(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Training accuracy, with batch normalization minus without"),
        (
            {"where": {"weight_scale": (1.0, 0.1)}},
            "Training accuracy, with batch normalization minus without, at w = 1 or 0.1",
        ),
        (
            {"compare": "value", "value": 0.5, "where": {"normalization": "none"}},
            "Training accuracy, without batch normalization",
        ),
        (
            {"over": {"factor": "weight_scale", "reduce": "range"}},
            "Range of training accuracy over scale of weights,"
            " with batch normalization minus without",
        ),
        (
            {"over": {"factor": "weight_scale", "reduce": "largest", "value": 0.5}},
            "Largest scale of weights at which training accuracy is at least 0.5,"
            " with batch normalization minus without",
        ),
        ({"compare": "ratio"}, "Training accuracy, with batch normalization divided by without"),
    ],
)
def test_what_is_compared_is_said_in_words(changes: dict[str, Any], words: str) -> None:
    assert descriptions.compared(experiment(), told(**changes)) == words


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({}, "above 0"),
        ({"margin": 0.1, "direction": "smaller"}, "below -0.1"),
        ({"compare": "ratio", "margin": 2.0}, "above 2"),
        ({"compare": "ratio", "margin": 2.0, "direction": "smaller"}, "below 0.5"),
        ({"direction": "equal", "tolerance": 0.05}, "between -0.05 and 0.05"),
    ],
)
def test_the_rule_is_said_in_words(changes: dict[str, Any], where: str) -> None:
    rule = f"Holds where the whole 95% interval lies {where}"
    assert descriptions.rule(told(**changes)) == rule


def test_at_how_many_combinations_a_claim_must_hold_is_said() -> None:
    assert descriptions.judging(experiment(), told(at_least=1)) == (
        "Training accuracy, with batch normalization minus without. Holds where the whole 95%"
        " interval lies above 0, at 1 or more combinations of levels."
    )


@pytest.mark.parametrize("name", lab.catalog())
def test_every_experiment_of_the_catalog_is_described(name: str) -> None:
    found = lab.load(name)
    told = [
        *descriptions.recording(found),
        *(descriptions.response(spec) for spec in found.responses.values()),
        *(descriptions.judging(found, claim) for claim in found.claims),
        *(descriptions.figure(spec) for spec in found.figures),
        descriptions.quick(found),
    ]
    assert all(told)


def test_the_levels_of_a_quick_setting_are_told_as_they_are_written() -> None:
    levels = {"start": -2, "stop": 1, "num": 4}
    quick = experiment(quick={"factors.weight_scale.logspace": levels})
    told = descriptions.quick(quick)
    assert told == "factors.weight_scale.logspace = {start = -2, stop = 1, num = 4}"
