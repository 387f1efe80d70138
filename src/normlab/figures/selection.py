"""The part of the results that a figure shows."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from normlab._typing import FloatArray
from normlab.figures.style import Role
from normlab.lab import Results, words
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Level, find_level
from normlab.lab.figure_spec import FigureSpec
from normlab.training import History

Place = tuple[int, ...]


class Spread(NamedTuple):
    """Mean and range over replicates, NaN where there is none."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


class Part:
    """The part of the results along the factors that some fields of a figure name.

    Other factors are held at their levels in ``spec.at``, or at their first where there is no
    such level. A field that names no factor is an axis of one.
    """

    def __init__(self, results: Results, spec: FigureSpec, *fields: str) -> None:
        self.results, self.experiment = results, results.experiment
        self.factors: tuple[str | None, ...] = tuple(getattr(spec, field) for field in fields)
        self._held = _places(self.experiment, spec, self.factors)

    @property
    def shape(self) -> Place:
        """How many levels there are along each axis."""
        return tuple(1 if f is None else len(self.results.levels[f]) for f in self.factors)

    def take(self, array: Any) -> Any:
        """Return the part of ``(*levels, ...)``: the axes of ``shape``, then the others."""
        names = self.experiment.factors
        part = array[tuple(self._held.get(name, slice(None)) for name in names)]
        kept = [name for name in names if name not in self._held]
        named = [name for name in self.factors if name is not None]
        part = np.moveaxis(part, [kept.index(name) for name in named], range(len(named)))
        return part.reshape(*self.shape, *part.shape[len(named) :])

    def levels_at(self, place: Place) -> tuple[Level, ...]:
        """Return the levels of all factors at one place of what ``take`` returns."""
        index = self._held | dict(zip(self.factors, place, strict=True))
        return tuple(factor.values[index[n]] for n, factor in self.experiment.factors.items())

    def histories(self) -> Iterator[tuple[Place, int, History]]:
        """Yield place, replicate and history of each trial, in order."""
        levels = {self.levels_at(place): place for place in np.ndindex(self.shape)}
        for trial in self.results.trials:
            place = levels.get(tuple(trial.levels[name] for name in self.experiment.factors))
            if place is not None:
                yield place, trial.replicate, trial.history

    def titles(self, axis: int) -> list[str]:
        """Return the titles of panels along an axis, an empty one where it has no factor."""
        name = self.factors[axis]
        return [""] if name is None else words.titles(self.experiment, name)

    def meaning(self, axis: int) -> str:
        """Return what panels along an axis are where their titles have a symbol, or nothing."""
        name = self.factors[axis]
        has_symbol = name is not None and self.experiment.factors[name].symbol
        return each(self.experiment, name) if name and has_symbol else ""

    def names(self, axis: int) -> list[str]:
        """Return the names of lines along an axis."""
        name = self.factors[axis]
        return [""] if name is None else words.level_names(self.experiment, name)

    def roles(self, axis: int) -> list[Role]:
        """Return what lines along an axis are in the contrast."""
        name = self.factors[axis]
        return ["treatment"] if name is None else roles(self.experiment, name)

    @property
    def held(self) -> str:
        """The levels that other factors are held at, as a sentence, or nothing."""
        parts = _said(self.experiment, self._held)
        return f" Here, {', '.join(parts)}." if parts else ""


def held(experiment: Experiment, spec: FigureSpec) -> list[str]:
    """Return the levels that factors are held at in a figure, each with all of its name.

    ``["without batch normalization", "scale of weights w = 1"]``
    """
    return _said(experiment, _places(experiment, spec, spec.factors))


def each(experiment: Experiment, name: str) -> str:
    """Return what the panels of a factor are, in words where their titles are but a symbol."""
    label, symbol = words.label(experiment, name), words.symbol(experiment, name)
    return f"One panel for each {label if symbol == label else f'{symbol}, the {label}'}. "


def roles(experiment: Experiment, lines: str) -> list[Role]:
    """Return what each level of the lines' factor is in the contrast.

    More than two levels that are all numbers have an order, which says more.
    """
    contrast, factor = experiment.contrast, experiment.factors[lines]
    values = factor.values
    if len(values) > 2 and not any(isinstance(value, str | bool) for value in values):
        return ["ordered"] * len(values)
    found: list[Role] = ["other"] * len(values)
    if contrast.factor == lines:
        found[factor.place(contrast.baseline)] = "baseline"
        found[factor.place(contrast.treatment)] = "treatment"
    elif len(values) == 2:
        return ["baseline", "treatment"]
    return found


def _places(
    experiment: Experiment, spec: FigureSpec, varied: Iterable[str | None]
) -> dict[str, int]:
    """Return at which of their levels the factors stand that do not vary."""
    varied = set(varied)
    return {
        name: find_level(factor.values, spec.at.get(name, factor.values[0])) or 0
        for name, factor in experiment.factors.items()
        if name not in varied
    }


def _said(experiment: Experiment, places: dict[str, int]) -> list[str]:
    """Return levels as conditions; before a symbol stands what it means."""
    found = []
    for name, i in places.items():
        means = f"{words.label(experiment, name)} " if experiment.factors[name].symbol else ""
        condition = words.conditions(experiment, name)[i]
        found.append(f"{means}{condition}" if " = " in condition else condition)
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
