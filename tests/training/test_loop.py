from typing import Any

import numpy as np
import pytest
from toy import bits, fit, short, toy_data, toy_network

from normlab.data import Dataset, batches
from normlab.errors import ArgumentError
from normlab.network import Network
from normlab.training import (
    Recording,
    SoftmaxCrossEntropy,
    Step,
    TrainingConfig,
    accuracy,
    evaluate,
    train,
)


def normalized_or_not(**options: Any) -> list[Network]:
    return [toy_network(normalization=choice, **options) for choice in ("batch", "none")]


class _Watched(np.ndarray[Any, np.dtype[Any]]):
    """Rows that remember which of them were asked for."""

    asked: list[list[int]]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, np.ndarray):
            self.asked.append(key.tolist())
        return np.asarray(super().__getitem__(key))


def test_same_seeds_give_the_same_bits() -> None:
    first, second = toy_network(), toy_network()
    assert fit(first) == fit(second)
    assert bits(first) == bits(second)


def test_another_seed_of_the_batches_gives_another_network() -> None:
    first, second = toy_network(), toy_network()
    fit(first, seed=1)
    fit(second, seed=2)
    assert bits(first) != bits(second)


@pytest.mark.parametrize("replacement", [True, False])
def test_batches_follow_from_the_generator_alone(replacement: bool) -> None:
    seen = []
    for network in normalized_or_not(dropout=0.5):
        data = toy_data()
        watched = data.x_train.view(_Watched)
        watched.asked = []
        object.__setattr__(data, "x_train", watched)
        fit(network, data, replacement=replacement)
        seen.append(watched.asked)
    draws = batches(40, 10, replacement=replacement, rng=np.random.default_rng(1))
    assert seen[0] == seen[1] == [next(draws).tolist() for _ in range(12)]


def test_one_step_is_gradient_descent_and_then_an_update_of_the_statistics() -> None:
    network, data = toy_network(dtype="float64"), toy_data(dtype=np.float64)
    twin = toy_network(dtype="float64")
    fit(network, data, steps=1, batch_size=40, learning_rate=0.5)
    order = np.random.default_rng(1).permutation(40)
    y, cache = twin.forward(data.x_train[order], training=True)
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    _, gradients = twin.backward((p - np.eye(3)[data.y_train[order]]) / 40, cache)
    for name, parameter in twin.parameters.items():
        expected = parameter - 0.5 * gradients[name]
        np.testing.assert_allclose(network.parameters[name], expected, rtol=1e-12, atol=1e-14)
    twin.update_statistics(cache)
    for name, statistic in twin.statistics.items():
        np.testing.assert_array_equal(network.statistics[name], statistic)


def test_training_learns() -> None:
    network, data = toy_network(), toy_data()
    history = fit(network, data, steps=100)
    assert history.train_accuracy[-1] > 0.9
    assert history.train_loss[-1] < history.train_loss[0]


@pytest.mark.parametrize(
    "optimizer", ["momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
)
def test_every_optimizer_learns(optimizer: Any) -> None:
    history = fit(toy_network(), steps=100, optimizer=optimizer, learning_rate=0.02)
    assert history.train_accuracy[-1] > 0.9


def test_callbacks_see_each_step() -> None:
    seen: list[Step] = []
    config = short(recording=Recording(first_step=2, every=5))
    train(toy_network(), toy_data(), config, rng=np.random.default_rng(1), callbacks=[seen.append])
    assert [step.step for step in seen] == list(range(1, 13))
    assert {step.n_steps for step in seen} == {12}
    assert [step.step for step in seen if step.row is not None] == [2, 7, 12]
    assert all(np.isfinite(step.objective) for step in seen)


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (print, r"callbacks must be an Iterable, .* callbacks=\[function\] takes one of them\."),
        ([print, 3], r"callbacks\[1\] must be a function, got 3\."),
    ],
)
def test_what_is_no_callback_is_refused(callbacks: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{message}$"):
        train(toy_network(), toy_data(), short(), rng=np.random.default_rng(1), callbacks=callbacks)


def test_callbacks_are_called_in_their_order() -> None:
    seen: list[str] = []
    train(
        toy_network(),
        toy_data(),
        short(steps=1),
        rng=np.random.default_rng(1),
        callbacks=[lambda step: seen.append("first"), lambda step: seen.append("second")],
    )
    assert seen == ["first", "second"]


def test_a_callback_reads_the_row_that_the_history_keeps() -> None:
    rows: list[Any] = []
    history = train(
        toy_network(),
        toy_data(),
        short(recording=Recording(batch="always")),
        rng=np.random.default_rng(1),
        callbacks=[lambda step: rows.append(step.row)],
    )
    assert [row for row in rows if row is not None] == history.rows()


def test_records_are_measurements_in_evaluation_mode() -> None:
    network, data = toy_network(), toy_data()
    history = fit(network, data)
    y, _ = network.forward(data.x_test, training=False)
    assert history.test_accuracy[-1] == accuracy(y, data.y_test)
    log_p = y - np.log(np.exp(y.astype(np.float64)).sum(axis=1, keepdims=True))
    expected = -log_p[np.arange(20), data.y_test].mean()
    assert history.test_loss[-1] == pytest.approx(expected, rel=1e-5)


def test_the_batch_is_measured_in_evaluation_mode_right_after_its_step() -> None:
    network, data = toy_network(dropout=0.5), toy_data()
    history = fit(network, data, steps=3, recording=Recording(every=3, batch="always"))
    draws = batches(40, 10, replacement=False, rng=np.random.default_rng(1))
    rows = [next(draws) for _ in range(3)][-1]
    result = evaluate(network, SoftmaxCrossEntropy(), data.x_train[rows], data.y_train[rows])
    assert (history.batch_loss[-1], history.batch_accuracy[-1]) == result


def test_by_default_the_batch_is_not_measured() -> None:
    assert np.isnan([fit(toy_network()).batch_accuracy, fit(toy_network()).batch_loss]).all()


def test_epochs_of_the_records_count_from_zero() -> None:
    history = fit(toy_network(), epochs=3, recording=Recording(first_step=1, every=2))
    assert history.step.tolist() == [1, 3, 5, 7, 9, 11]
    assert history.epoch.tolist() == [0, 0, 1, 1, 2, 2]


def test_the_last_record_is_at_the_last_due_step() -> None:
    history = fit(toy_network(), recording=Recording(first_step=1, every=5))
    assert history.step.tolist() == [1, 6, 11]
    assert (history.n_steps, history.diverged_at_step) == (12, None)


def test_what_is_recorded_at_the_last_record_only_is_nan_before() -> None:
    history = fit(toy_network(), recording=Recording(first_step=1, every=5, test="last"))
    assert np.isnan(history.test_accuracy).tolist() == [True, True, False]
    assert np.isnan(history.test_loss).tolist() == [True, True, False]
    assert np.isfinite(history.train_accuracy).all()


def test_what_is_never_recorded_is_nan() -> None:
    history = fit(toy_network(), recording=Recording(train="never", test="never"))
    assert len(history) == 3
    for name in ("train_accuracy", "train_loss", "test_accuracy", "test_loss"):
        assert np.isnan(getattr(history, name)).all()


def test_a_first_record_after_the_last_step_is_refused_before_training() -> None:
    network = toy_network()
    before = bits(network)
    with pytest.raises(ArgumentError, match="first_step must come by step 12, the last one, got 1"):
        fit(network, recording=Recording(first_step=13))
    assert bits(network) == before


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_recording_changes_nothing(dropout: float) -> None:
    recorded, unrecorded = toy_network(dropout=dropout), toy_network(dropout=dropout)
    fit(recorded, recording=Recording(first_step=1, every=1))
    fit(unrecorded, recording=Recording(train="never", test="never"))
    assert bits(recorded) == bits(unrecorded)


def test_statistics_are_updated_once_a_step() -> None:
    network = toy_network()
    fit(network, recording=Recording(first_step=1, every=1))
    assert network.statistics["1.n_updates"] == network.statistics["4.n_updates"] == 12


def test_weight_decay_shrinks_the_weights() -> None:
    networks = [toy_network() for _ in range(2)]
    for network, decay in zip(networks, (0.0, 0.5), strict=True):
        fit(network, weight_decay=decay)
    norms = [np.linalg.norm(network.parameters["3.weight"]) for network in networks]
    assert norms[1] < norms[0]


def test_recorded_losses_are_without_weight_decay() -> None:
    # So small a step leaves the network where it was, whatever the objective.
    options: dict[str, Any] = {"steps": 1, "learning_rate": 1e-12}
    with_decay = fit(toy_network(), weight_decay=10, **options)
    without = fit(toy_network(), **options)
    assert with_decay.train_loss[-1] == pytest.approx(without.train_loss[-1], rel=1e-5)


def test_pixels_as_stored_train_like_their_float_copies() -> None:
    x = np.random.default_rng(3).integers(0, 6, (60, 4)).astype(np.uint8)
    y = np.arange(60) % 3
    stored = Dataset(x[:40], y[:40], x[40:], y[40:])
    floats = x.astype(np.float32)
    cast = Dataset(floats[:40], y[:40], floats[40:], y[40:])
    networks = toy_network(), toy_network()
    assert fit(networks[0], stored) == fit(networks[1], cast)
    assert bits(networks[0]) == bits(networks[1])


def test_one_hot_targets_train_like_class_indices() -> None:
    data = toy_data()
    rows = np.eye(3, dtype=np.float32)
    one_hot = Dataset(data.x_train, rows[data.y_train], data.x_test, rows[data.y_test])
    of_indices, of_rows = fit(toy_network(), data), fit(toy_network(), one_hot)
    np.testing.assert_array_equal(of_rows.test_accuracy, of_indices.test_accuracy)
    np.testing.assert_allclose(of_rows.train_loss, of_indices.train_loss, rtol=1e-4)


def test_squared_error_trains_on_one_hot_rows() -> None:
    data = toy_data()
    rows = np.eye(3, dtype=np.float32)
    one_hot = Dataset(data.x_train, rows[data.y_train], data.x_test, rows[data.y_test])
    history = fit(toy_network(), one_hot, steps=100, loss="squared_error")
    assert history.train_accuracy[-1] > 0.9


def test_a_float64_network_stays_float64_on_float32_data() -> None:
    network = toy_network(dtype="float64")
    fit(network, toy_data(dtype=np.float32))
    assert {array.dtype for array in network.parameters.values()} == {np.dtype(np.float64)}


def test_data_is_left_unchanged() -> None:
    data = toy_data()
    fit(toy_network(), data)
    np.testing.assert_array_equal(data.x_train, toy_data().x_train)


def test_a_seed_is_no_generator() -> None:
    seed: Any = 7
    with pytest.raises(ArgumentError, match=r"rng must be a numpy\.random\.Generator, got 7"):
        train(toy_network(), toy_data(), TrainingConfig(steps=1), rng=seed)


def test_a_batch_larger_than_the_data_is_refused_without_replacement() -> None:
    with pytest.raises(ArgumentError, match="batch_size must be at most 40, the number of rows"):
        fit(toy_network(), batch_size=41)
