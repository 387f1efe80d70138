"""Means over replicates, with an interval."""

from math import nan, sqrt
from typing import NamedTuple

import numpy as np

from normlab._typing import FloatArray

CONFIDENCE = 0.95


class Difference(NamedTuple):
    """A mean of paired differences, or of another number, and its confidence interval."""

    mean: float
    low: float  # NaN with fewer than two pairs
    high: float
    n_pairs: int


def paired_difference(baseline: FloatArray, treatment: FloatArray) -> Difference:
    """Return the mean of ``treatment - baseline`` over replicates, with a 95% interval.

    The two of a pair share initial weights and batches, which removes what both have in common
    from the spread of their differences.
    """
    with np.errstate(invalid="ignore"):  # an infinite loss is a result
        return mean_interval(treatment - baseline)


def mean_interval(values: FloatArray) -> Difference:
    """Return the mean of ``values``, one a replicate, with a 95% interval.

    ::

        mean +- t sd / sqrt(n)      t: the 0.975 quantile of Student's t with n - 1 degrees

    NaN, where a replicate is missing, is left out.
    """
    with np.errstate(invalid="ignore"):
        values = values[~np.isnan(values)]
        mean = float(values.mean()) if len(values) else nan
        half = _half_width(values) if len(values) >= 2 else nan
    return Difference(mean, mean - half, mean + half, len(values))


def _half_width(values: FloatArray) -> float:
    from scipy.special import stdtrit  # when first needed: workers never do, and start sooner

    quantile = float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2))
    return quantile * float(values.std(ddof=1)) / sqrt(len(values))
