"""One probed quantity over a training."""

from dataclasses import dataclass

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray


@dataclass(frozen=True, eq=False)
class Series:
    """What a probe saw of one quantity, step by step.

    Attributes
    ----------
    axes
        Names of the axes after the first, which counts the probed steps:
        ``("layer", "percentile")``.
    labels
        The labels along each of these axes: ``(("ReLU 1", "ReLU 2"), (15.0, 50.0, 85.0))``.
    values
        ``(steps, *map(len, labels))``, float64, read-only. NaN and infinity are values like
        others.

    Examples
    --------
    >>> series = Series(("layer",), (("ReLU 1", "ReLU 2"),), np.array([[0.0, 0.25], [0.5, 1.0]]))
    >>> series
    Series(2 steps, 2 by layer)
    >>> series.values[:, series.labels[0].index("ReLU 2")]
    array([0.25, 1.  ])
    """

    axes: tuple[str, ...]
    labels: tuple[tuple[str | float, ...], ...]
    values: FloatArray

    def __post_init__(self) -> None:
        labels = tuple(tuple(along) for along in self.labels)
        values = np.array(self.values, dtype=float)
        rule = f"be given for each axis, {len(self.axes)} in all"
        _checks.require(len(labels) == len(self.axes), "labels", rule, labels)
        expected = (len(values), *map(len, labels))
        _checks.same_shape("values", values.shape, expected)
        values.setflags(write=False)
        plain = {"axes": tuple(self.axes), "labels": labels, "values": values}
        for name, value in plain.items():
            object.__setattr__(self, name, value)

    def __setstate__(self, state: dict[str, object]) -> None:
        # Pickling forgets that an array is read-only.
        self.__dict__.update(state)
        self.values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        """Compare to the bit; NaN equals NaN."""
        if not isinstance(other, Series):
            return NotImplemented
        same = (self.axes, self.labels) == (other.axes, other.labels)
        return same and np.array_equal(self.values, other.values, equal_nan=True)

    __hash__ = None  # type: ignore[assignment]  # holds an array

    def __repr__(self) -> str:
        sizes = zip(self.values.shape[1:], self.axes, strict=True)
        inside = ", ".join(f"{size} by {axis}" for size, axis in sizes)
        return f"Series({len(self)} steps, {inside or 'one value each'})"
