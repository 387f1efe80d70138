"""From claims and responses to verdicts."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray
from normlab.lab.claims import Claim, Over
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Level, Levels, find_level, levels_at
from normlab.lab.intervals import Difference, mean_interval

Answer: TypeAlias = Literal["supported", "contradicted", "undecided"]

MIN_PAIRS = 3
"""Fewer replicates leave every claim undecided: two that agree by chance would look certain."""


class Place(NamedTuple):
    """A claim at one combination of levels."""

    levels: Levels
    effect: Difference  # of a ratio, the ratio and not its logarithm
    answer: Answer


class Verdict(NamedTuple):
    """What the results say of a claim, always with the numbers."""

    claim: Claim
    answer: Answer
    effect: Difference  # of the mean over the combinations
    places: tuple[Place, ...]
    n_needed: int  # combinations at which it must hold
    n_unreached: int  # trials that count with their last step: what was waited for did not come
    n_nan: int  # pairs that have no number, though their trials are there

    @property
    def n_supporting(self) -> int:
        """At how many combinations it holds."""
        return sum(place.answer == "supported" for place in self.places)


class Doubts(NamedTuple):
    """What the interval at one combination of levels does not know."""

    may_be_larger: bool  # the number: the treatment, or the value itself, did not get there
    may_be_smaller: bool  # the baseline did not
    n_nan: int  # pairs that have no number, though their trials are there


class Slab(NamedTuple):
    """Values at combinations of levels, in every replicate."""

    values: NDArray[Any]  # (*levels of the factors, replicates)
    factors: dict[str, tuple[Level, ...]]

    def take(self, name: str, wanted: Sequence[Level]) -> "Slab":
        """Return the part at some levels of a factor, those that there are."""
        levels = self.factors[name]
        at = [i for level in wanted if (i := find_level(levels, level)) is not None]
        values = np.take(self.values, at, axis=list(self.factors).index(name))
        return Slab(values, self.factors | {name: tuple(levels[i] for i in at)})

    def reduce(self, name: str, reduction: Callable[[NDArray[Any]], NDArray[Any]]) -> "Slab":
        """Return the values without a factor, after ``reduction`` of its axis, put first."""
        first = np.moveaxis(self.values, list(self.factors).index(name), 0)
        with np.errstate(all="ignore"):  # an infinite loss is a result
            values = reduction(first)
        return Slab(values, {other: v for other, v in self.factors.items() if other != name})


def judge(
    claim: Claim,
    experiment: Experiment,
    values: FloatArray,
    *,
    present: NDArray[np.bool_],
    unreached: NDArray[np.bool_],
) -> Verdict:
    """Return the verdict on a claim.

    A pair of which a trial is missing is left out. One whose number is not a number, though both
    trials are there, leaves the claim undecided: the rest would be what went well.

    Parameters
    ----------
    claim, experiment
        The claim, and the experiment that it belongs to.
    values
        Its response, ``(*levels, replicates)``.
    present, unreached
        Which trials there are, and whose value is but a lower bound, in the same shape.
    """
    admitted, there, bounds = (
        _admitted(claim, experiment, array) for array in (values, present, unreached)
    )
    compared = _compared(claim, experiment, admitted)
    doubts = _doubts(claim, experiment, there, bounds, np.isnan(compared.values))
    places = []
    for at, doubt in zip(np.ndindex(compared.values.shape[:-1]), doubts, strict=True):
        levels = levels_at(compared.factors, at)
        effect = mean_interval(compared.values[at])
        places.append(Place(levels, _shown(claim, effect), _answer(claim, effect, doubt)))
    needed = claim.at_least or max(len(places), 1)
    return Verdict(
        claim=claim,
        answer=_of_all([place.answer for place in places], needed),
        effect=_shown(claim, mean_interval(_mean_of_combinations(compared.values))),
        places=tuple(places),
        n_needed=needed,
        n_unreached=int(bounds.values.sum()),
        n_nan=sum(doubt.n_nan for doubt in doubts),
    )


def _admitted(claim: Claim, experiment: Experiment, values: NDArray[Any]) -> Slab:
    """Return the values where the claim looks."""
    slab = Slab(values, experiment.levels)
    for name, wanted in claim.where.items():
        slab = slab.take(name, wanted if isinstance(wanted, tuple) else (wanted,))
    if claim.compare == "value":
        return slab
    name, *pair = claim.pair(experiment.contrast)
    return slab.take(name, pair)


def _compared(claim: Claim, experiment: Experiment, slab: Slab) -> Slab:
    """Return the number that is compared, in each combination and replicate; a ratio's log."""
    if claim.over is not None:
        slab = slab.reduce(claim.over.factor, _reduction(claim.over, slab))
    if claim.compare == "value":
        return slab
    name, *_ = claim.pair(experiment.contrast)
    if claim.compare == "ratio":
        return slab.reduce(name, lambda pair: np.log(pair[1] / pair[0]))
    return slab.reduce(name, lambda pair: pair[1] - pair[0])


def _doubts(
    claim: Claim, experiment: Experiment, there: Slab, bounds: Slab, is_nan: NDArray[np.bool_]
) -> list[Doubts]:
    """Return the doubts at each combination of levels, in their order."""
    if claim.over is not None:
        is_bound = np.all if claim.over.reduce == "min" else np.any  # the least that came is known
        there = there.reduce(claim.over.factor, lambda part: np.all(part, axis=0))
        bounds = bounds.reduce(claim.over.factor, lambda part: is_bound(part, axis=0))
    rises, falls = bounds.values, np.zeros_like(bounds.values)
    if claim.compare != "value":
        name, *_ = claim.pair(experiment.contrast)
        there = there.reduce(name, lambda pair: np.all(pair, axis=0))
        falls, rises = (bounds.reduce(name, itemgetter(i)).values for i in (0, 1))
    columns = (rises.any(axis=-1), falls.any(axis=-1), (there.values & is_nan).sum(axis=-1))
    return [Doubts(*row) for row in zip(*(np.ravel(c).tolist() for c in columns), strict=True)]


def _reduction(over: Over, slab: Slab) -> Callable[[FloatArray], FloatArray]:
    """Return how values are reduced over the levels of a factor, their first axis.

    NaN where there are too few levels: a range of one says nothing.
    """
    if len(slab.factors[over.factor]) < (2 if over.reduce == "range" else 1):
        return lambda values: np.full(values.shape[1:], np.nan)
    if over.reduce == "largest":
        levels = np.array(slab.factors[over.factor], dtype=float)
        return lambda values: _largest(levels, values, over.value or 0.0)
    reductions: dict[str, Callable[[FloatArray], FloatArray]] = {
        "range": lambda values: values.max(axis=0) - values.min(axis=0),
        "mean": lambda values: values.mean(axis=0),
        "min": lambda values: values.min(axis=0),
        "max": lambda values: values.max(axis=0),
    }
    return reductions[over.reduce]


def _largest(levels: FloatArray, values: FloatArray, threshold: float) -> FloatArray:
    """Return the largest level with a value of at least the threshold, the smallest if none."""
    of_each = levels.reshape(-1, *[1] * (values.ndim - 1))
    found = np.where(values >= threshold, of_each, levels.min()).max(axis=0)
    return np.where(np.isnan(values).any(axis=0), np.nan, found)


def _mean_of_combinations(values: FloatArray) -> FloatArray:
    """Return the mean over all axes but the last, of what is a number."""
    rows = values.reshape(-1, values.shape[-1])
    there = ~np.isnan(rows)
    total = np.where(there, rows, 0.0).sum(axis=0)
    return np.where(there.any(axis=0), total / np.maximum(there.sum(axis=0), 1), np.nan)


def _answer(claim: Claim, effect: Difference, doubts: Doubts) -> Answer:
    """Return what an interval says of a claim: of bounds, what holds beyond them too."""
    low, high = claim.bounds
    rises, falls, n_nan = doubts
    if effect.n_pairs < MIN_PAIRS or n_nan:
        return "undecided"
    if claim.direction == "equal":
        inside = low <= effect.low <= effect.high <= high and not (rises or falls)
        outside = (effect.high < low and not rises) or (effect.low > high and not falls)
    elif claim.direction == "larger":
        inside = effect.low > low and not falls
        outside = effect.high <= low and not rises
    else:
        inside = effect.high < high and not rises
        outside = effect.low >= high and not falls
    return "supported" if inside else "contradicted" if outside else "undecided"


def _of_all(answers: Sequence[Answer], needed: int) -> Answer:
    """Return what the answers at each combination say of a claim on ``needed`` of them."""
    if answers.count("supported") >= needed:
        return "supported"
    if len(answers) >= needed > len(answers) - answers.count("contradicted"):
        return "contradicted"
    return "undecided"


def _shown(claim: Claim, effect: Difference) -> Difference:
    """Return the effect as it is told: a ratio, not its logarithm."""
    if claim.compare != "ratio":
        return effect
    mean, low, high = (float(np.exp(value)) for value in effect[:3])
    return Difference(mean, low, high, effect.n_pairs)
