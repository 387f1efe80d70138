"""How long a step takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import nan
from time import perf_counter


class Stopwatch:
    """Wall time of the steps after the first, without the time of measuring.

    The first step is left out because it may compile kernels.
    """

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Count from now."""
        self._paused = 0.0
        self._started = perf_counter()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time of what is done inside."""
        begun = perf_counter()
        yield
        self._paused += perf_counter() - begun

    def seconds_each(self, n: int) -> float:
        """Return the counted time divided by n; NaN where n is 0."""
        return (perf_counter() - self._started - self._paused) / n if n else nan
