"""Where every random draw of a trial comes from.

A generator follows from the experiment's seed, the replicate and the purpose, and from nothing
else: not from the levels of the factors, the worker or the order of execution. So the trials of
one replicate start from the same weights and see the same batches, and are compared in pairs.

The masks of dropout come from generators that the builders of networks spawn from that of the
initial weights, and so does where gamma and beta start; spawning draws nothing, so that the weights
are the same with and without.
"""

from typing import Literal

import numpy as np

PURPOSES = ("initial weights", "batches")


def generator(
    seed: int, replicate: int, purpose: Literal["initial weights", "batches"]
) -> np.random.Generator:
    """Return the generator of one purpose in one replicate."""
    key = (replicate, PURPOSES.index(purpose))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
