from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from scipy import stats

from normlab.lab.intervals import paired_difference


def test_three_pairs_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, standard deviation 1, t(0.975; 2 degrees) = 4.302653.
    found = paired_difference(np.array([1.0, 1.0, 1.0]), np.array([2.0, 3.0, 4.0]))
    half = 4.302652729911275 / sqrt(3)
    assert found == pytest.approx((2.0, 2 - half, 2 + half, 3))


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_interval_is_that_of_a_paired_t_test(n: int) -> None:
    a, b = np.random.default_rng(n).standard_normal((2, n))
    low, high = stats.ttest_rel(b, a).confidence_interval(0.95)
    assert paired_difference(a, b) == pytest.approx(((b - a).mean(), low, high, n))


def test_the_difference_is_treatment_minus_baseline() -> None:
    assert paired_difference(np.array([1.0]), np.array([3.0])).mean == 2


def test_one_pair_has_no_interval() -> None:
    found = paired_difference(np.array([1.0]), np.array([3.0]))
    assert (isnan(found.low), isnan(found.high), found.n_pairs) == (True, True, 1)


def test_no_pair_has_no_mean() -> None:
    found = paired_difference(np.array([nan, 1.0]), np.array([1.0, nan]))
    assert (isnan(found.mean), found.n_pairs) == (True, 0)


def test_a_pair_with_nan_on_either_side_is_left_out() -> None:
    found = paired_difference(np.array([1.0, nan, 3.0, 0.0]), np.array([2.0, 1.0, nan, 3.0]))
    assert (found.mean, found.n_pairs) == (2.0, 2)


def test_equal_differences_have_an_interval_of_no_width() -> None:
    found = paired_difference(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    assert (found.low, found.mean, found.high) == (1.0, 1.0, 1.0)


def test_an_infinite_response_gives_no_finite_interval_and_no_warning() -> None:
    found = paired_difference(np.array([1.0, 2.0]), np.array([inf, 3.0]))
    assert found.mean == inf
    assert isnan(found.low)
