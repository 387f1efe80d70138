"""What results are made of."""

from typing import NamedTuple

from normlab._typing import FloatArray
from normlab.lab.factors import Levels
from normlab.lab.intervals import Difference
from normlab.training import History


class Trial(NamedTuple):
    """One training: where it stands in the design, and what it recorded."""

    levels: Levels
    replicate: int
    history: History


class Failure(NamedTuple):
    """A trial that ended in an error."""

    levels: Levels
    replicate: int
    cause: str


class ContrastRow(NamedTuple):
    """Baseline and treatment at one combination of the other factors' levels."""

    levels: Levels  # of the factors other than the contrast's
    baseline: FloatArray  # (replicates,) responses, NaN where missing
    treatment: FloatArray
    baseline_diverged: int  # replicates
    treatment_diverged: int
    difference: Difference
