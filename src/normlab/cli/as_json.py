"""Results for programs: JSON, with null for what is not a finite number."""

import json
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from normlab.lab import Results
    from normlab.lab.intervals import Difference
    from normlab.lab.verdicts import Verdict


def print_json(tree: Any) -> None:
    """Print what is made of dictionaries, lists, numbers and texts."""
    typer.echo(json.dumps(tree, indent=1, allow_nan=False))


def run(results: "Results", files: Iterable[Path]) -> dict[str, Any]:
    """Return all that a run found."""
    experiment = results.experiment
    return {
        "experiment": experiment.name,
        "setting": experiment.setting,
        "trials": len(results.trials),
        "diverged": sum(t.history.diverged_at_step is not None for t in results.trials),
        "failed": [failure._asdict() for failure in results.failures],
        "contrast": {**experiment.contrast.model_dump(), "rows": [*_contrast(results)]},
        "verdicts": verdicts(results),
        "published": [*_published(results)],
        "files": [str(path) for path in files],
    }


def judged(results: "Results", folder: Path) -> dict[str, Any]:
    """Return the verdicts of one of several runs."""
    experiment = results.experiment
    names = {"experiment": experiment.name, "setting": experiment.setting, "folder": str(folder)}
    return {**names, "verdicts": verdicts(results)}


def verdicts(results: "Results") -> list[dict[str, Any]]:
    """Return the verdict on each claim, with its numbers."""
    return [_verdict(verdict) for verdict in results.verdicts()]


def _verdict(verdict: "Verdict") -> dict[str, Any]:
    places = [
        {"levels": place.levels, "answer": place.answer, **_effect(place.effect)}
        for place in verdict.places
    ]
    return {
        **verdict.claim.model_dump(exclude_none=True),
        "answer": verdict.answer,
        **_effect(verdict.effect),
        "supporting": verdict.n_supporting,
        "needed": verdict.n_needed,
        "unreached": verdict.n_unreached,
        "not_a_number": verdict.n_nan,
        "places": places,
    }


def _effect(effect: "Difference") -> dict[str, Any]:
    interval = _finite([effect.low, effect.high])
    return {"effect": _finite(effect.mean), "interval": interval, "pairs": effect.n_pairs}


def _contrast(results: "Results") -> Iterator[dict[str, Any]]:
    for row in results.contrast():
        yield {
            **row.levels,
            "baseline": _finite(row.baseline.tolist()),
            "treatment": _finite(row.treatment.tolist()),
            "baseline_diverged": row.baseline_diverged,
            "treatment_diverged": row.treatment_diverged,
            "difference": _finite(row.difference.mean),
            "interval": _finite([row.difference.low, row.difference.high]),
            "pairs": row.difference.n_pairs,
        }


def _published(results: "Results") -> Iterator[dict[str, Any]]:
    """Yield the last published value of the contrast's response, and what came out at its step."""
    from normlab.lab import published
    from normlab.lab.responses import QUANTITIES

    experiment, response = results.experiment, results.experiment.contrast.response
    if response not in QUANTITIES:
        return
    curves, steps = results.curves(response), results.steps.tolist()
    for levels, points in published.read(experiment, response).items():
        at = tuple(v.index(level) for v, level in zip(results.levels.values(), levels, strict=True))
        step = int(points.step[-1])
        measured: Sequence[float] = (
            curves[at][:, steps.index(step)].tolist() if step in steps else []
        )
        yield {
            **dict(zip(results.levels, levels, strict=True)),
            "response": response,
            "step": step,
            "published": _finite(float(points.value[-1])),
            "measured": _finite(measured),
        }


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value if isfinite(value) else None
