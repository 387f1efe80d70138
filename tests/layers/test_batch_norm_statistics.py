"""Running statistics, conventions, and what batch normalization refuses."""

import re
from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError, BatchSizeError, StatisticsError
from normlab.layers import BatchNorm

X = np.random.default_rng(1).standard_normal((10, 3)) * [1, 2, 3] + [4, 5, 6]


def updated(*batches: Any, **options: Any) -> BatchNorm:
    layer = BatchNorm(3, dtype="float64", **options)
    for x in batches or (X,):
        _, cache = layer.forward(x, training=True)
        layer.update_statistics(cache)
    return layer


CONVENTIONS = [  # eps, decay, ddof, initial variance
    ("paper", 1e-5, 0.9, 1, 1.0),
    ("pytorch", 1e-5, 0.9, 1, 1.0),
    ("keras", 1e-3, 0.99, 0, 1.0),
    ("onnx", 1e-5, 0.9, 0, 1.0),
    ("book", 1e-6, 0.9, 0, 0.0),
]


@pytest.mark.parametrize(("name", "eps", "decay", "ddof", "initial_var"), CONVENTIONS)
def test_a_named_convention_has_the_numbers_of_its_system(
    name: Any, eps: float, decay: float, ddof: int, initial_var: float
) -> None:
    layer = BatchNorm(3, convention=name)
    assert (layer.eps, layer.decay, layer.ddof) == (eps, decay, ddof)
    np.testing.assert_array_equal(layer.running_mean, 0)
    np.testing.assert_array_equal(layer.running_var, initial_var)


@pytest.mark.parametrize(("name", "eps", "decay", "ddof", "initial_var"), CONVENTIONS)
def test_a_named_convention_uses_its_numbers(
    name: Any, eps: float, decay: float, ddof: int, initial_var: float
) -> None:
    layer = updated(convention=name)
    y, _ = layer.forward(X, training=True)
    np.testing.assert_allclose(y.var(axis=0), X.var(axis=0) / (X.var(axis=0) + eps), rtol=1e-9)
    np.testing.assert_allclose(layer.running_mean, (1 - decay) * X.mean(axis=0), rtol=1e-13)
    expected = decay * initial_var + (1 - decay) * X.var(axis=0, ddof=ddof)
    np.testing.assert_allclose(layer.running_var, expected, rtol=1e-13)


def test_the_default_convention_is_the_paper_s() -> None:
    assert BatchNorm(3).convention == "paper"


@pytest.mark.parametrize(("option", "value"), [("eps", 0.5), ("decay", 0.25), ("ddof", 1)])
def test_an_explicit_argument_wins_over_the_convention(option: str, value: float) -> None:
    options: dict[str, Any] = {option: value}
    layer, named = BatchNorm(3, convention="keras", **options), BatchNorm(3, convention="keras")
    for name in ("eps", "decay", "ddof"):
        assert getattr(layer, name) == (value if name == option else getattr(named, name))


def test_an_explicit_decay_of_none_wins_over_the_convention() -> None:
    assert BatchNorm(3, convention="keras", decay=None).decay is None


def test_an_explicit_eps_of_zero_wins_over_the_convention() -> None:
    assert BatchNorm(3, eps=0).eps == 0


def test_the_running_variance_is_unbiased_or_biased_as_ddof_says() -> None:
    unbiased, biased = updated(decay=0, ddof=1), updated(decay=0, ddof=0)
    np.testing.assert_allclose(unbiased.running_var, X.var(axis=0, ddof=1), rtol=1e-13)
    np.testing.assert_allclose(biased.running_var, X.var(axis=0), rtol=1e-13)


def test_decay_is_the_weight_of_the_old_value() -> None:
    layer = updated(X, 2 * X, decay=0.7)
    expected = 0.7 * (0.3 * X.mean(axis=0)) + 0.3 * (2 * X).mean(axis=0)
    np.testing.assert_allclose(layer.running_mean, expected, rtol=1e-13)


def test_decay_of_one_freezes_the_statistics() -> None:
    layer = updated(decay=1)
    np.testing.assert_array_equal(layer.running_mean, 0)
    np.testing.assert_array_equal(layer.running_var, 1)


def test_decay_of_none_gives_the_mean_of_all_batches() -> None:
    batches = [scale * X for scale in (1, -2, 3, 5)]
    layer = updated(*batches, decay=None)
    means, variances = zip(*((x.mean(axis=0), x.var(axis=0, ddof=1)) for x in batches), strict=True)
    np.testing.assert_allclose(layer.running_mean, np.mean(means, axis=0), rtol=1e-13)
    np.testing.assert_allclose(layer.running_var, np.mean(variances, axis=0), rtol=1e-13)


def test_updates_are_counted() -> None:
    assert BatchNorm(3).n_updates == 0
    assert updated(X, X, X).n_updates == 3


def test_statistics_are_float64_and_n_updates_an_integer_array() -> None:
    statistics = BatchNorm(3, dtype="float32").statistics
    assert [a.dtype.name for a in statistics.values()] == ["float64", "float64", "int64"]
    assert statistics["n_updates"].shape == ()


def test_update_moves_the_arrays_in_place() -> None:
    layer = BatchNorm(3, dtype="float64")
    statistics = layer.statistics
    _, cache = layer.forward(X, training=True)
    layer.update_statistics(cache)
    for name, array in layer.statistics.items():
        assert array is statistics[name]


def test_forward_leaves_running_statistics_unchanged() -> None:
    layer = updated()
    before = {name: array.tobytes() for name, array in layer.statistics.items()}
    layer.forward(2 * X, training=True)
    layer.forward(2 * X, training=False)
    assert {name: array.tobytes() for name, array in layer.statistics.items()} == before


def test_an_update_changes_no_output_of_a_pass_that_is_under_way() -> None:
    layer, dy = updated(), np.random.default_rng(2).standard_normal(X.shape)
    _, cache = layer.forward(X, training=False)
    dx, gradients = layer.backward(dy, cache)
    layer.update_statistics(layer.forward(3 * X, training=True)[1])
    later_dx, later_gradients = layer.backward(dy, cache)
    np.testing.assert_array_equal(later_dx, dx)
    np.testing.assert_array_equal(later_gradients["gamma"], gradients["gamma"])


def test_running_statistics_that_were_written_in_place_are_used() -> None:
    layer = BatchNorm(3, dtype="float64")
    layer.statistics["running_mean"][...] = [1, 2, 3]
    layer.statistics["running_var"][...] = [4, 5, 6]
    expected = (X - [1, 2, 3]) / np.sqrt(np.array([4, 5, 6]) + 1e-5)
    np.testing.assert_allclose(layer.forward(X, training=False)[0], expected, rtol=1e-12)


def test_running_statistics_that_were_assigned_are_used() -> None:
    layer = BatchNorm(3, dtype="float64")
    layer.running_mean, layer.running_var = X.mean(axis=0), X.var(axis=0)
    y, _ = layer.forward(X, training=True)
    np.testing.assert_allclose(layer.forward(X, training=False)[0], y, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("updates", "factor"), [(1, 3.16), (11, 1.21), (21, 1.06)])
def test_the_book_s_evaluation_is_too_large_by_a_known_factor(updates: int, factor: float) -> None:
    """Its running variance remembers the start at 0: 1 - 0.9^k of it is there after k updates."""
    x = X - X.mean(axis=0)
    layer = updated(*[x] * updates, convention="book")
    y, _ = layer.forward(x, training=False)
    assert y.std() == pytest.approx(factor, rel=0.005)


@pytest.mark.parametrize("name", ["paper", "pytorch", "keras", "book"])
def test_evaluation_before_any_update_is_refused_with_the_remedy(name: Any) -> None:
    remedy = "must be updated before evaluation, got 0 updates. Call update_statistics(cache)"
    with pytest.raises(StatisticsError, match=re.escape(remedy)):
        BatchNorm(3, convention=name).forward(X, training=False)


def test_onnx_statistics_are_given_so_that_none_are_missing() -> None:
    y, _ = BatchNorm(3, convention="onnx", dtype="float64").forward(X, training=False)
    np.testing.assert_allclose(y, X / np.sqrt(1 + 1e-5), rtol=1e-14)


def test_evaluation_of_a_single_row_is_fine() -> None:
    assert updated().forward(X[:1], training=False)[0].shape == (1, 3)


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 3), 1), ((0, 3), 0), ((1, 1, 1, 3), 1), ((3,), 1)]
)
def test_training_with_less_than_two_values_a_feature_is_refused(
    shape: tuple[int, ...], count: int
) -> None:
    message = (
        rf"^x must have at least 2 values a feature in training, got {count}: one value has no"
        r" variance\. Use a larger batch, or training=False with running statistics\.$"
    )
    with pytest.raises(BatchSizeError, match=message):
        BatchNorm(3).forward(np.zeros(shape), training=True)


def test_one_image_has_enough_values_a_feature() -> None:
    BatchNorm(3).forward(np.zeros((1, 2, 2, 3)), training=True)


def test_an_evaluation_cache_cannot_update_the_statistics() -> None:
    layer = updated()
    _, cache = layer.forward(X, training=False)
    with pytest.raises(ArgumentError, match=r"^cache must come from forward with training=True"):
        layer.update_statistics(cache)
    assert layer.n_updates == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_features": 0}, "n_features must be an integer of at least 1, got 0."),
        ({"eps": -1e-5}, "eps must be a finite number at least 0, got -1e-05."),
        ({"eps": np.nan}, "eps must be a finite number at least 0, got nan."),
        ({"decay": 1.5}, "decay must be a finite number at least 0 and at most 1, got 1.5."),
        ({"ddof": 2}, "ddof must be 0 (biased) or 1 (unbiased), got 2."),
        ({"axis": 1.0}, "axis must be an integer, got 1.0."),
        ({"dtype": "int32"}, "dtype must be float32 or float64, got 'int32'."),
        ({"convention": "torch"}, "Did you mean 'pytorch'?"),
    ],
)
def test_a_wrong_option_is_refused_and_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        BatchNorm(**{"n_features": 3} | options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "BatchNorm(3)"),
        ({"axis": 1, "convention": "keras"}, "BatchNorm(3, axis=1, convention='keras')"),
        ({"scale": False, "shift": False}, "BatchNorm(3, scale=False, shift=False)"),
    ],
)
def test_repr_states_what_differs_from_the_default(options: dict[str, Any], expected: str) -> None:
    assert repr(BatchNorm(3, **options)) == expected


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_nan_does_not_spread_through_a_term_of_weight_zero(decay: float) -> None:
    layer = BatchNorm(1, decay=decay)
    bad, good = np.array([[np.nan], [1.0]]), np.array([[1.0], [3.0]])
    for x in (bad, good) if decay == 0 else (good, bad):
        layer.update_statistics(layer.forward(x, training=True)[1])
    np.testing.assert_array_equal(layer.running_mean, [2.0 if decay == 0 else 0.0])


def test_statistics_that_are_0_and_1_count_as_given_once_n_updates_says_so() -> None:
    layer = BatchNorm(2)
    with pytest.raises(StatisticsError, match=r"also write 1 into n_updates\.$"):
        layer.forward(np.ones((2, 2)), training=False)
    layer.n_updates[...] = 1
    y, _ = layer.forward(np.ones((2, 2)), training=False)
    np.testing.assert_allclose(y, 1, rtol=1e-5)


def test_a_variance_beyond_float64_gives_nan_and_hides_nothing() -> None:
    y, _ = BatchNorm(1).forward(np.array([[1e200], [-1e200]]), training=True)
    assert np.isnan(y).all()


def test_repr_names_what_differs_from_the_convention() -> None:
    layer = BatchNorm(3, convention="keras", eps=0.1, decay=None, ddof=1, scale=False)
    stated = "convention='keras', eps=0.1, decay=None, ddof=1, scale=False"
    assert repr(layer) == f"BatchNorm(3, {stated})"
