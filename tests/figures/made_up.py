"""Small made-up results: every number is known, nothing is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from normlab.lab import Experiment, Results
from normlab.lab.factors import grid
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.results import Trial
from normlab.training import History

STEPS = (1, 11, 21)
NAN = float("nan")

PANELS = FigureSpec(
    kind="small-multiples",
    file="panels",
    panels="weight_scale",
    lines="normalization",
    response="train_accuracy",
)
FINAL = FigureSpec(
    kind="response-against-factor",
    file="final",
    x="weight_scale",
    lines="normalization",
    response="train_accuracy",
)


def experiment(**changes: Any) -> Experiment:
    """Two scales, without and with normalization, three replicates."""
    tree: dict[str, Any] = {
        "name": "made-up",
        "title": "Made-up numbers",
        "question": "Is it drawn?",
        "replicates": 3,
        "network": {"sizes": [4, 3, 2]},
        "training": {"steps": 21},
        "factors": {
            "weight_scale": {
                "field": "network.weight_init",
                "label": "scale of weights",
                "symbol": "w",
                "levels": [1.0, 0.1],
            },
            "normalization": {
                "field": "network.normalization",
                "label": "batch normalization",
                "levels": ["none", "batch"],
            },
        },
        "contrast": {
            "factor": "normalization",
            "baseline": "none",
            "treatment": "batch",
            "response": "train_accuracy",
        },
        "figures": [PANELS.model_dump(), FINAL.model_dump()],
    }
    return Experiment.model_validate(tree | changes)


def scales(*levels: Any, **changes: Any) -> Experiment:
    """The experiment with these scales."""
    factors = {name: f.model_dump() for name, f in experiment().factors.items()}
    factors["weight_scale"]["levels"] = levels
    return experiment(factors=factors, **changes)


def history(
    accuracy: Sequence[float] = (0.1, 0.5, 0.9),
    *,
    steps: Sequence[int] = STEPS,
    epochs: Sequence[int] | None = None,
    diverged_at_step: int | None = None,
    **columns: Any,
) -> History:
    """One training; loss and test columns are NaN unless given."""
    nothing = np.full(len(accuracy), NAN)
    missing = {"train_loss": nothing, "test_accuracy": nothing, "test_loss": nothing}
    return History(
        step=np.array(steps),
        epoch=(np.array(steps) - 1) // 10 if epochs is None else np.array(epochs),
        train_accuracy=np.array(accuracy),
        n_steps=diverged_at_step - 1 if diverged_at_step else steps[-1],
        diverged_at_step=diverged_at_step,
        **(missing | columns),
    )


def diverged(at: int, final: float = 0.0, first: float = 0.1, **columns: Any) -> History:
    """A training that recorded step 1, and diverged before step 11."""
    return history((first, final), steps=(1, at), diverged_at_step=at, **columns)


def results(
    design: Experiment | None = None, histories: Mapping[Any, History | None] | None = None
) -> Results:
    """Every trial of the design; ``histories`` by ``(*levels, replicate)`` take the places.

    None there: a trial that is missing. The others gain 0.1 a replicate with normalization, and
    stay at 0.1 without.
    """
    design = design or experiment()
    changes, trials = histories or {}, []
    for levels in grid(design.factors):
        for replicate in range(design.replicates):
            top = 0.7 + 0.1 * replicate
            usual = (0.1, 0.1, 0.1) if "none" in levels.values() else (0.1, 0.5, top)
            found = changes.get((*levels.values(), replicate), history(usual))
            if found is not None:
                trials.append(Trial(levels, replicate, found))
    return Results(design, trials)


def with_published(folder: Path, text: str, design: Experiment | None = None) -> Experiment:
    """The experiment with a published file of this text."""
    path = folder / "made-up.csv"
    path.write_text(text, encoding="utf-8")
    return (design or experiment()).model_copy(update={"published": str(path)})


PUBLISHED = """\
weight_scale,normalization,step,epoch,train_accuracy
1.0000001,none,1,0,0.2
1.0000001,none,11,1,0.3
1.0000001,batch,11,1,0.6
1.0000001,batch,1,0,0.4
"""
