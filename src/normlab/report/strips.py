"""Effects as dots on a line, with a band where the claim holds: a drawing of a line's height."""

from collections.abc import Sequence
from math import inf, isfinite, log, nan
from typing import NamedTuple

from normlab.lab import words
from normlab.lab.claims import Claim
from normlab.lab.intervals import Difference

APART = 12.0  # how far numbers under a line must be from one another, in percent


class Dot(NamedTuple):
    """An effect."""

    place: float
    holds: bool


class Tick(NamedTuple):
    """A number under the line."""

    place: float
    text: str


class Strip(NamedTuple):
    """What is drawn, in percent of the line."""

    holds: tuple[float, float]  # where the claim holds
    dots: tuple[Dot, ...]
    interval: tuple[float, float] | None = None
    ticks: tuple[Tick, ...] = ()


class Line(NamedTuple):
    """A line with room for all effects of a claim; logarithmic for ratios."""

    low: float
    high: float
    claim: Claim

    def of_one(self, effect: Difference, *, holds: bool) -> Strip | None:
        """Return the drawing of one effect with its interval, None where it is not finite."""
        mean, low, high = (self._at(value) for value in effect[:3])
        if not isfinite(mean):
            return None
        interval = (low, high) if isfinite(low) and isfinite(high) else None
        return Strip(self._holds(), (Dot(mean, holds),), interval)

    def of_all(self, effects: Sequence[Difference], holds: Sequence[bool]) -> Strip | None:
        """Return the drawing of several effects, None where not one is finite."""
        places = [self._at(effect.mean) for effect in effects]
        pairs = zip(places, holds, strict=True)
        dots = tuple(Dot(place, held) for place, held in pairs if isfinite(place))
        return Strip(self._holds(), dots) if dots else None

    def ticks(self) -> tuple[Tick, ...]:
        """Return the numbers to write under the line: the claim's bounds, and no effect."""
        found: list[Tick] = []
        for value in (*self.claim.bounds, *_no_effect(self.claim)):
            place = self._on_line(value)
            if isfinite(value) and all(abs(place - tick.place) >= APART for tick in found):
                found.append(Tick(place, words.number(self.claim.told(value))))
        return tuple(found)

    def _holds(self) -> tuple[float, float]:
        low, high = (self._on_line(bound) for bound in self.claim.bounds)
        return low, high

    def _at(self, effect: float) -> float:
        """Return the place of an effect, NaN where it has none."""
        value = _untold(self.claim, effect)
        return self._on_line(value) if isfinite(value) else nan

    def _on_line(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


def line(claim: Claim, effects: Sequence[Difference]) -> Line:
    """Return the line for the effects of a claim: these, its bounds, and no effect."""
    ends = [_untold(claim, end) for effect in effects for end in effect[:3]]
    known = [end for end in (*ends, *claim.bounds, *_no_effect(claim)) if isfinite(end)]
    room = 0.06 * (max(known) - min(known)) or 1.0
    return Line(min(known) - room, max(known) + room, claim)


def _untold(claim: Claim, effect: float) -> float:
    """Return an effect as bounds are told: of a ratio, its logarithm."""
    if claim.compare != "ratio":
        return effect
    return log(effect) if effect > 0 else -inf if effect == 0 else nan


def _no_effect(claim: Claim) -> tuple[float, ...]:
    return () if claim.compare == "value" else (0.0,)
