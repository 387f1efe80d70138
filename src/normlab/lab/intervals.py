"""Paired differences, with an interval."""

from math import nan, sqrt
from typing import NamedTuple

import numpy as np

from normlab._typing import FloatArray

CONFIDENCE = 0.95


class Difference(NamedTuple):
    """A mean of paired differences and its confidence interval."""

    mean: float
    low: float  # NaN with fewer than two pairs
    high: float
    n_pairs: int


def paired_difference(baseline: FloatArray, treatment: FloatArray) -> Difference:
    """Return the mean of ``treatment - baseline`` over replicates, with a 95% interval.

    ::

        mean +- t sd / sqrt(n)      t: the 0.975 quantile of Student's t with n - 1 degrees

    Pairs with NaN on either side are left out. The differences of a pair share initial weights
    and batches, which removes what both have in common from their spread.
    """
    with np.errstate(invalid="ignore"):  # an infinite loss is a result
        d = treatment - baseline
        d = d[~np.isnan(d)]
        mean = float(d.mean()) if len(d) else nan
        half = _half_width(d) if len(d) >= 2 else nan
    return Difference(mean, mean - half, mean + half, len(d))


def _half_width(d: FloatArray) -> float:
    from scipy.special import stdtrit  # when first needed: workers never do, and start sooner

    return float(stdtrit(len(d) - 1, 0.5 + CONFIDENCE / 2)) * float(d.std(ddof=1)) / sqrt(len(d))
