"""Whatever there is so far is drawn and told."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from figures.made_up import (
    CURVES,
    KINDS,
    NORMS,
    PANELS,
    PERCENTS,
    SHARES,
    experiment,
    history,
    probed,
    probed_results,
    results,
    scales,
)
from normlab.figures import describe, draw
from normlab.figures.files import render
from normlab.lab import Results
from normlab.lab.figure_spec import NEEDS, FigureSpec

LONG = [f"weights drawn as in the {i}th of many papers about them" for i in range(12)]


def every(one: Any, **changes: Any) -> Results:
    design = experiment(**changes)
    kinds, scale = ("none", "batch"), (1.0, 0.1)
    places = [(w, kind, r) for w in scale for kind in kinds for r in range(design.replicates)]
    return results(design, dict.fromkeys(places, one))


def at_once() -> Any:
    return history((np.nan,), steps=(1,), diverged_at_step=1)


def nothing_finite() -> Any:
    lost = (np.full((2, n), np.nan) for n in (4, 3, 3))
    shares, percentiles, norms = lost
    return probed((np.nan,) * 3, shares=shares, percentiles=percentiles, norms=norms)


SMALL: dict[str, Callable[[], Results]] = {
    "all": probed_results,
    "one replicate": lambda: every(probed(), replicates=1),
    "no trials": lambda: Results(experiment(), []),
    "no probes": results,
    "all diverged": lambda: every(at_once()),
    "nothing finite": lambda: every(nothing_finite()),
    "one step": lambda: every(
        probed(
            (0.1,),
            steps=(1,),
            probed_steps=(1,),
            shares=SHARES[:1],
            percentiles=PERCENTS[:1],
            norms=NORMS[:1],
        )
    ),
    "long names": lambda: results(scales(*LONG, replicates=1)),
}


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
@pytest.mark.parametrize("name", SMALL)
def test_every_kind_draws_and_tells_small_results(name: str, spec: FigureSpec) -> None:
    found = SMALL[name]()
    assert render(draw(found, spec), "svg", found.experiment).startswith(b"<?xml")
    assert describe(found, spec).endswith(".")


def test_the_levels_that_a_figure_holds_are_told() -> None:
    assert describe(results(), CURVES).endswith(" Here, scale of weights w = 1.")
    assert "Here" not in describe(results(), PANELS)


def test_every_kind_of_figure_is_tried() -> None:
    assert {spec.kind for spec in KINDS} == set(NEEDS)
