from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normlab.data import batches
from normlab.errors import ArgumentError


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("replacement", [True, False])
def test_every_batch_is_full(replacement: bool) -> None:
    drawn = islice(batches(10, 3, replacement=replacement, rng=rng()), 40)
    assert {batch.shape for batch in drawn} == {(3,)}


@pytest.mark.parametrize("replacement", [True, False])
def test_row_numbers_are_inside_the_data(replacement: bool) -> None:
    rows = np.concatenate(list(islice(batches(10, 3, replacement=replacement, rng=rng()), 100)))
    assert rows.dtype == np.int64
    assert set(rows.tolist()) == set(range(10))


@given(n_rows=st.integers(1, 30), data=st.data())
def test_without_replacement_each_pass_sees_every_row_once(n_rows: int, data: Any) -> None:
    batch_size = data.draw(st.integers(1, n_rows))
    drawn = batches(n_rows, batch_size, replacement=False, rng=rng())
    rows = np.concatenate(list(islice(drawn, 3 * n_rows)))
    passes = rows[: 3 * n_rows].reshape(3, n_rows)
    np.testing.assert_array_equal(np.sort(passes, axis=1), [np.arange(n_rows)] * 3)


def test_batch_at_the_border_joins_two_shuffles() -> None:
    drawn = batches(5, 3, replacement=False, rng=rng())
    rows = np.concatenate(list(islice(drawn, 3)))
    source = rng()
    expected = np.concatenate([source.permutation(5), source.permutation(5)])
    np.testing.assert_array_equal(rows, expected[:9])


def test_passes_are_shuffled_differently() -> None:
    drawn = batches(50, 50, replacement=False, rng=rng())
    assert not np.array_equal(next(drawn), next(drawn))


def test_with_replacement_draws_are_those_of_the_generator() -> None:
    drawn = batches(1000, 100, replacement=True, rng=rng())
    source = rng()
    for _ in range(3):
        np.testing.assert_array_equal(next(drawn), source.integers(1000, size=100))


def test_with_replacement_a_batch_may_be_larger_than_the_data() -> None:
    assert len(next(batches(2, 9, replacement=True, rng=rng()))) == 9


def test_batch_larger_than_the_data_is_refused_at_the_call() -> None:
    message = r"^batch_size must be at most 8, the number of rows, .* got 9\. Take a smaller batch"
    with pytest.raises(ArgumentError, match=message):
        batches(8, 9, replacement=False, rng=rng())


@pytest.mark.parametrize("replacement", [True, False])
def test_same_seed_gives_the_same_batches(replacement: bool) -> None:
    one = list(islice(batches(20, 6, replacement=replacement, rng=rng()), 10))
    two = list(islice(batches(20, 6, replacement=replacement, rng=rng()), 10))
    np.testing.assert_array_equal(one, two)


def test_changing_a_batch_leaves_later_ones_unchanged() -> None:
    drawn = batches(6, 4, replacement=False, rng=rng())
    undisturbed = batches(6, 4, replacement=False, rng=rng())
    next(drawn)[:] = 0
    next(undisturbed)
    np.testing.assert_array_equal(next(drawn), next(undisturbed))


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "message"),
    [(0, 1, r"^n_rows must be an integer of at least 1"), (5, 0, r"^batch_size must be an integ")],
)
def test_sizes_must_be_positive(n_rows: int, batch_size: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        batches(n_rows, batch_size, replacement=True, rng=rng())


def test_rng_must_be_a_generator() -> None:
    seed: Any = 1
    with pytest.raises(ArgumentError, match=r"^rng must be a numpy\.random\.Generator, got 1"):
        batches(5, 2, replacement=True, rng=seed)


@pytest.mark.parametrize("replacement", [True, False])
def test_many_at_once_are_the_same_as_one_by_one(replacement: bool) -> None:
    options: dict[str, Any] = {"replacement": replacement}
    one_by_one = batches(10, 4, **options, rng=np.random.default_rng(3))
    at_once = batches(10, 4, **options, rng=np.random.default_rng(3))
    for n in (1, 5, 2, 9):
        expected = np.array([next(one_by_one) for _ in range(n)])
        np.testing.assert_array_equal(at_once.take(n), expected)
    assert one_by_one.rng.random() == at_once.rng.random()


@pytest.mark.parametrize("replacement", ["no", 0, None])
def test_replacement_is_true_or_false(replacement: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^replacement must be"):
        batches(5, 2, replacement=replacement, rng=rng())
