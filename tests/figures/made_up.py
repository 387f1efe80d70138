"""Small made-up results: every number is known, nothing is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from normlab._typing import FloatArray
from normlab.lab import Experiment, Results
from normlab.lab.factors import grid
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.outcomes import Trial
from normlab.training import History, Series

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


CURVES = FigureSpec(
    kind="learning-curves",
    file="curves",
    lines="normalization",
    response="train_accuracy",
)
MAP = FigureSpec(
    kind="heat-map",
    file="map",
    x="weight_scale",
    y="normalization",
    response="train_accuracy",
)
HISTOGRAMS = FigureSpec(
    kind="histograms", file="histograms", panels="normalization", layer="ReLU 1"
)
PERCENTILES = FigureSpec(
    kind="percentile-bands", file="percentiles", panels="normalization", layer="ReLU 1"
)
GRADIENTS = FigureSpec(kind="gradient-norms", file="gradients", lines="normalization")
KINDS = (CURVES, PANELS, FINAL, MAP, HISTOGRAMS, PERCENTILES, GRADIENTS)


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


SHARES = np.array([[0.5, 0.25, 0.25, 0.0], [0.7, 0.1, 0.1, 0.1]])
PERCENTS = np.array([[-1.0, 0.0, 1.0], [-3.0, 0.5, 2.0]])
NORMS = np.array([[1.0, 9.0, 0.1], [2.0, 9.0, 0.2]])


def probed(
    accuracy: Sequence[float] = (0.1, 0.5, 0.9),
    *,
    probed_steps: Sequence[int] = (1, 21),
    shares: FloatArray = SHARES,
    percentiles: FloatArray = PERCENTS,
    norms: FloatArray = NORMS,
    **columns: Any,
) -> History:
    """A training that was probed at steps 1 and 21: a dense layer, ReLU, a dense layer.

    Histograms of ReLU 1 in four bins from 0 to 4; percentiles 15, 50 and 85 of its unit 0, and
    those of unit 1, which are larger by 10; gradient norms of all three layers.
    """
    n, relu = len(probed_steps), ("ReLU 1",)
    edges = np.broadcast_to(np.linspace(0.0, 4.0, 5), (n, 1, 5))
    units = np.stack([percentiles[:n], percentiles[:n] + 10], axis=1)[:, None]
    probes = {
        "histogram": Series(("layer", "bin"), (relu, tuple(range(4))), shares[:n, None]),
        "histogram_edges": Series(("layer", "edge"), (relu, tuple(range(5))), edges),
        "unit_percentiles": Series(
            ("layer", "unit", "percentile"), (relu, (0, 1), (15.0, 50.0, 85.0)), units
        ),
        "gradient_norm": Series(("layer",), (("Dense 1", "ReLU 1", "Dense 2"),), norms[:n]),
    }
    return history(accuracy, probes=probes, probed_steps=np.array(probed_steps), **columns)


def probed_results(
    design: Experiment | None = None, histories: Mapping[Any, History | None] | None = None
) -> Results:
    """Every trial of the design, probed; other ``histories`` by ``(*levels, replicate)``."""
    design = design or experiment()
    places = [(*levels.values(), r) for levels in grid(design.factors) for r in range(3)]
    return results(design, dict.fromkeys(places, probed()) | dict(histories or {}))


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
