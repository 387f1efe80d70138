"""The part of the results that a figure shows."""

from typing import Any, NamedTuple

import numpy as np

from normlab._typing import FloatArray
from normlab.errors import ExperimentError
from normlab.figures import words
from normlab.figures.style import Role
from normlab.lab import Results
from normlab.lab.experiment import Experiment, FigureSpec
from normlab.lab.factors import Level


class Spread(NamedTuple):
    """Mean and range over replicates, NaN where there is none."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


def axes(spec: FigureSpec, first: str | None) -> tuple[str, str]:
    """Return the two factors of a figure: ``first``, and that of its lines."""
    if first is None or first == spec.lines:
        raise ExperimentError(
            f"figures, {spec.file!r}: must name two different factors,"
            f" got {first!r} and lines = {spec.lines!r}."
        )
    return first, spec.lines


def take(results: Results, array: Any, factors: tuple[str, str]) -> Any:
    """Return the part of ``(*levels, ...)`` along two factors: ``(first, second, ...)``.

    Other factors are held at their first levels.
    """
    names = list(results.levels)
    part = array[tuple(slice(None) if name in factors else 0 for name in names)]
    first, second = factors
    return part if names.index(first) < names.index(second) else part.swapaxes(0, 1)


def held(experiment: Experiment, factors: tuple[str, str]) -> str:
    """Return the levels that other factors are held at, as a sentence, or nothing."""
    others = [name for name in experiment.factors if name not in factors]
    parts = [words.equations(experiment, name)[0] for name in others]
    return f" Here, {', '.join(parts)}." if parts else ""


def presence(results: Results) -> Any:
    """Return which trials are there, as booleans: ``(*levels, replicates)``."""
    return ~np.isnan(results.final("step"))


def roles(experiment: Experiment, lines: str) -> list[Role]:
    """Return what each level of the lines' factor is in the contrast."""
    contrast, values = experiment.contrast, experiment.factors[lines].values
    found: list[Role] = ["other" for _ in values]
    if contrast.factor == lines:
        found[values.index(contrast.baseline)] = "baseline"
        found[values.index(contrast.treatment)] = "treatment"
    elif len(values) == 2:
        return ["baseline", "treatment"]
    return found


def spread(values: FloatArray) -> Spread:
    """Return mean and range over the first axis, of what is finite."""
    there = np.isfinite(values)
    n = there.sum(axis=0)
    total = np.where(there, values, 0).sum(axis=0)
    low = np.min(values, axis=0, initial=np.inf, where=there)
    high = np.max(values, axis=0, initial=-np.inf, where=there)
    nothing = np.where(n > 0, 0.0, np.nan)
    mean = total / np.maximum(n, 1)
    low, high = np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)
    return Spread(mean + nothing, low, high)


def levels_at(
    experiment: Experiment, factors: tuple[str, str], place: tuple[int, int]
) -> tuple[Level, ...]:
    """Return the levels of all factors at one place of what ``take`` returns."""
    index = dict(zip(factors, place, strict=True))
    return tuple(f.values[index.get(name, 0)] for name, f in experiment.factors.items())
