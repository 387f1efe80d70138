import numpy as np
import pytest

from normlab._typing import FloatArray
from normlab.lab.randomness import PURPOSES, generator


def draws(seed: int, replicate: int, purpose: str) -> FloatArray:
    return generator(seed, replicate, purpose).standard_normal(8)  # type: ignore[arg-type]  # any word


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_same_three_give_the_same_draws(purpose: str) -> None:
    np.testing.assert_array_equal(draws(3, 1, purpose), draws(3, 1, purpose))


def test_seeds_replicates_and_purposes_all_differ() -> None:
    keys = [(seed, r, purpose) for seed in (0, 1) for r in range(3) for purpose in PURPOSES]
    assert len({draws(*key).tobytes() for key in keys}) == len(keys)


def test_draws_do_not_depend_on_what_was_drawn_before() -> None:
    first = draws(0, 1, "batches")
    draws(0, 0, "batches")
    np.random.default_rng(0).random(100)
    np.testing.assert_array_equal(draws(0, 1, "batches"), first)


def test_draws_are_those_of_the_first_release() -> None:
    # Changing them changes every stored result.
    weights = generator(0, 0, "initial weights").integers(1000, size=4).tolist()
    batches = generator(0, 0, "batches").integers(1000, size=4).tolist()
    assert (weights, batches) == ([17, 565, 909, 935], [596, 364, 377, 940])
