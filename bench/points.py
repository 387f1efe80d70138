"""Points of a curve: how long something takes, and its memory, as it grows."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from normlab._table import Table

HEADER = ("curve", "at", "seconds", "work", "seconds a unit", "x the least", "peak MB")


class Point(NamedTuple):
    """One measurement of something that grows."""

    curve: str  # what takes the time, and what grows
    at: int  # how far it has grown
    seconds: float
    work: float  # what should take the time, were there nothing else
    unit: str  # of the work
    megabytes: float | None = None  # resident in the process, at the peak

    @property
    def per_work(self) -> float:
        """Seconds for a unit of the work: where a curve has no step, nearly the same all along."""
        return self.seconds / self.work


def table(points: Sequence[Point]) -> Table:
    """Return all points; of each, how many times the least time of its curve a unit takes."""
    return Table(HEADER, tuple(_rows(points)))


def as_json(point: Point) -> dict[str, Any]:
    """Return a point for a file."""
    return point._asdict() | {"per_work": point.per_work}


def _rows(points: Sequence[Point]) -> Iterator[tuple[str, ...]]:
    for curve, group in groupby(points, key=lambda point: point.curve):
        own = list(group)
        least = min(point.per_work for point in own)
        for point in own:
            memory = "" if point.megabytes is None else f"{point.megabytes:.0f}"
            work = f"{point.work:.4g} {point.unit}"
            times = f"{point.per_work:.3g}", f"{point.per_work / least:.2f}"
            yield (curve, f"{point.at:,}", f"{point.seconds:.3g}", work, *times, memory)
