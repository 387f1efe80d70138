"""Dropout: how much it drops, how it scales, and where its draws come from."""

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.layers import Dropout

ONES = np.ones((400, 250))


def layer(rate: float, seed: int = 0) -> Dropout:
    return Dropout(rate, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_of_dropped_elements_is_the_rate(rate: float) -> None:
    y, _ = layer(rate).forward(ONES, training=True)
    assert (y == 0).mean() == pytest.approx(rate, abs=0.01)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_what_is_kept_is_scaled_so_that_the_mean_stays(rate: float) -> None:
    y, _ = layer(rate).forward(ONES, training=True)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - rate), rtol=1e-15)
    assert y.mean() == pytest.approx(1, abs=0.04)


def test_each_element_is_dropped_by_itself() -> None:
    y, _ = layer(0.5).forward(ONES, training=True)
    np.testing.assert_allclose((y == 0).mean(axis=0), 0.5, atol=0.13)
    np.testing.assert_allclose((y == 0).mean(axis=1), 0.5, atol=0.16)


def test_backward_drops_and_scales_what_forward_did() -> None:
    dropout = layer(0.3)
    y, cache = dropout.forward(ONES, training=True)
    np.testing.assert_array_equal(dropout.backward(ONES, cache)[0], y)


def test_evaluation_lets_everything_pass() -> None:
    dropout = layer(0.9)
    y, cache = dropout.forward(ONES, training=False)
    np.testing.assert_array_equal(y, ONES)
    np.testing.assert_array_equal(dropout.backward(2 * ONES, cache)[0], 2 * ONES)


def test_evaluation_draws_nothing() -> None:
    dropout = layer(0.5)
    before = dropout.rng.bit_generator.state
    dropout.forward(ONES, training=False)
    assert dropout.rng.bit_generator.state == before


def test_two_passes_have_two_masks() -> None:
    dropout = layer(0.5)
    first, second = (dropout.forward(ONES, training=True)[0] for _ in range(2))
    assert (first != second).mean() == pytest.approx(0.5, abs=0.02)


def test_the_same_generator_gives_the_same_masks_in_both_dtypes() -> None:
    y, _ = layer(0.5, seed=3).forward(ONES, training=True)
    again, _ = layer(0.5, seed=3).forward(ONES.astype(np.float32), training=True)
    np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, np.nan])
def test_a_rate_outside_0_to_1_is_refused(rate: float) -> None:
    message = r"^rate must be a finite number at least 0 and below 1, got "
    with pytest.raises(ArgumentError, match=message):
        Dropout(rate)
