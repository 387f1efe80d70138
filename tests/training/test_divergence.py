"""Divergence is a result: recorded, quiet, and the end of the training."""

import numpy as np
import pytest
from toy import bits, exploding, fit, one_hot_data, plain, short, toy_data, toy_network

from normlab.data import Dataset
from normlab.training import Recording, train


def test_training_ends_at_the_first_objective_that_is_not_finite() -> None:
    history = fit(plain(), one_hot_data(), **exploding())
    step = history.diverged_at_step
    assert step is not None
    assert 1 < step < 12
    assert history.n_steps == step - 1
    assert history.step[-1] == step


def test_the_diverging_step_is_not_taken() -> None:
    network, twin = plain(), plain()
    step = fit(network, one_hot_data(), **exploding()).diverged_at_step
    assert step is not None
    stopped = fit(twin, one_hot_data(), **exploding(steps=step - 1))
    assert stopped.diverged_at_step is None
    assert bits(network) == bits(twin)


def test_running_statistics_do_not_see_the_diverging_batch() -> None:
    network = toy_network()
    history = fit(network, one_hot_data(), **exploding(steps=30, learning_rate=1e15))
    assert history.diverged_at_step is not None
    assert network.statistics["1.n_updates"] == history.n_steps


def test_the_network_is_measured_where_it_diverged() -> None:
    recording = Recording(first_step=1, every=11, test="last")
    history = fit(plain(), one_hot_data(), **exploding(recording=recording))
    assert history.step.tolist() == [1, history.diverged_at_step]
    assert np.isfinite(history.test_accuracy).tolist() == [False, True]
    assert not np.isfinite(history.train_loss[-1])


def test_what_is_never_recorded_is_not_recorded_there_either() -> None:
    history = fit(plain(), one_hot_data(), **exploding(recording=Recording(test="never")))
    assert history.diverged_at_step is not None
    assert np.isnan(history.test_accuracy).all()


def test_callbacks_do_not_see_the_step_that_was_not_taken() -> None:
    seen: list[int] = []
    history = train(
        plain(),
        one_hot_data(),
        short(**exploding()),
        rng=np.random.default_rng(1),
        callbacks=[lambda step: seen.append(step.step)],
    )
    assert seen == list(range(1, history.n_steps + 1))


def test_a_plain_network_may_diverge_at_its_first_step() -> None:
    network = toy_network(normalization="none", weight_init=1e30)
    before = bits(network)
    history = fit(network)
    assert (history.diverged_at_step, history.n_steps) == (1, 0)
    assert history.step.tolist() == [1]
    assert history.train_accuracy.tolist() == [0]
    assert bits(network) == before


def test_a_normalized_network_that_diverges_at_its_first_step_has_nothing_to_measure_with() -> None:
    # Its running statistics were never updated.
    network = toy_network(weight_init=1e38)
    history = fit(network)
    assert (history.diverged_at_step, len(history)) == (1, 1)
    assert np.isnan(history.train_accuracy).all()


def test_weight_decay_that_overflows_is_divergence() -> None:
    network = toy_network(weight_init=1e25)
    history = fit(network, weight_decay=1.0)
    assert history.diverged_at_step == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_pixels_are_divergence(bad: float) -> None:
    data = toy_data()
    x = data.x_train.copy()
    x[:, 0] = bad
    spoilt = Dataset(x, data.y_train, data.x_test, data.y_test)
    history = fit(plain(), spoilt)
    assert history.diverged_at_step == 1


def test_the_same_divergence_happens_again() -> None:
    first, second = (fit(plain(), one_hot_data(), **exploding()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("batch_size", [2, 20])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_learning_rate_beyond_float32_diverges_without_warnings(
    optimizer: str, batch_size: int
) -> None:
    history = fit(plain(), optimizer=optimizer, learning_rate=1e300, batch_size=batch_size)
    assert history.diverged_at_step == 2
