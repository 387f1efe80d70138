"""Paired differences, with an interval."""

from math import nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

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
    d = treatment - baseline
    d = d[~np.isnan(d)]
    n = len(d)
    if n < 2:
        return Difference(float(d.mean()) if n else nan, nan, nan, n)
    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * float(d.std(ddof=1)) / sqrt(n)
    return Difference(float(d.mean()), float(d.mean()) - half, float(d.mean()) + half, n)
