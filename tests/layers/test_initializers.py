"""Initial weights: their deviations, and the draws they are made of."""

from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.layers import Dense
from normlab.layers.initializers import draw_weight, weight_std

F4 = np.dtype(np.float32)
F8 = np.dtype(np.float64)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "variance"), [("he", 2 / 300), ("xavier", 2 / (300 + 200)), ("lecun", 1 / 300)]
)
def test_a_name_stands_for_the_variance_of_its_source(name: Any, variance: float) -> None:
    assert weight_std(name, 300, 200) ** 2 == pytest.approx(variance, rel=1e-14)


@pytest.mark.parametrize("number", [0, 0.01, 1])
def test_a_number_is_the_deviation_itself(number: float) -> None:
    assert weight_std(number, 300, 200) == number


@pytest.mark.parametrize("init", ["he", "xavier", "lecun", 0.3])
def test_weights_have_mean_zero_and_that_deviation(init: Any) -> None:
    weight = draw_weight((300, 200), init, rng(), F8)
    std = weight_std(init, 300, 200)
    assert abs(weight.mean()) < 0.02 * std
    assert weight.std() == pytest.approx(std, rel=0.01)


def test_inputs_are_counted_over_all_axes_but_the_last() -> None:
    """A convolution of 5 x 5 x 3 sees 75 inputs a position."""
    weight = draw_weight((5, 5, 3, 400), "lecun", rng(), F8)
    assert weight.std() == pytest.approx(75**-0.5, rel=0.02)


def test_another_scale_scales_the_same_draws() -> None:
    one, ten = (draw_weight((4, 3), scale, rng(), F8) for scale in (1.0, 10.0))
    np.testing.assert_allclose(ten, 10 * one, rtol=1e-15)


def test_float32_rounds_the_same_draws() -> None:
    single, double = (draw_weight((4, 3), "he", rng(), dtype) for dtype in (F4, F8))
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_truncated_draws_lie_within_two_deviations_and_deviate_by_0_88_of_one() -> None:
    weight = draw_weight((300, 400), 0.1, rng(), F8, truncated=True)
    assert np.abs(weight).max() <= 0.2
    assert abs(weight.mean()) < 1e-3
    assert weight.std() == pytest.approx(0.08796, rel=0.005)


def test_truncating_draws_again_only_what_lies_beyond() -> None:
    plain, truncated = (draw_weight((30, 40), 1.0, rng(), F8, truncated=t) for t in (False, True))
    inside = np.abs(plain) <= 2
    assert 0.9 < inside.mean() < 1
    np.testing.assert_array_equal(truncated[inside], plain[inside])


def test_truncated_draws_are_scaled_and_rounded_like_others() -> None:
    one = draw_weight((30, 40), 1.0, rng(), F8, truncated=True)
    tenth = draw_weight((30, 40), 0.1, rng(), F4, truncated=True)
    np.testing.assert_array_equal(tenth, (0.1 * one).astype(np.float32))


def test_a_layer_truncates_where_it_is_told_to() -> None:
    weights = [Dense(30, 40, rng=rng(), truncated=t).weight for t in (False, True)]
    assert [bool(np.abs(w).max() > 2 * weight_std("he", 30, 40)) for w in weights] == [True, False]


def test_truncated_is_a_yes_or_no() -> None:
    with pytest.raises(ArgumentError, match=r"^truncated must be True or False, got 2\.0"):
        Dense(4, 3, rng=rng(), truncated=2.0)  # type: ignore[arg-type]  # the point


def test_weights_are_a_row_for_each_input() -> None:
    assert Dense(4, 3, rng=rng()).weight.shape == (4, 3)


def test_he_is_the_default() -> None:
    expected = draw_weight((4, 3), "he", rng(), F4)
    np.testing.assert_array_equal(Dense(4, 3, rng=rng()).weight, expected)


def test_biases_start_at_zero() -> None:
    np.testing.assert_array_equal(Dense(4, 3, rng=rng()).parameters["bias"], 0)


def test_a_deviation_of_zero_needs_no_generator() -> None:
    np.testing.assert_array_equal(Dense(4, 3, weight_init=0).weight, 0)


def test_any_other_needs_one_and_says_how_to_make_it() -> None:
    message = r"^rng must be a numpy\.random\.Generator to draw initial weights from, got None\."
    with pytest.raises(ArgumentError, match=message):
        Dense(4, 3)


@pytest.mark.parametrize("init", [-1, np.nan, None])
def test_a_wrong_deviation_is_refused(init: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^weight_init must be a finite number at least 0"):
        weight_std(init, 1, 1)


def test_a_wrong_name_is_told_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"Did you mean 'xavier'\?$"):
        weight_std("xavir", 1, 1)  # type: ignore[arg-type]  # a typing error is the point
