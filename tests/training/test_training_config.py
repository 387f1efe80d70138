import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import pytest

from normlab.errors import ArgumentError
from normlab.training import (
    Adam,
    Probes,
    Recording,
    SoftmaxCrossEntropy,
    SquaredError,
    TrainingConfig,
)
from normlab.training.config import LOSSES, OPTIMIZERS


def config(**options: Any) -> TrainingConfig:
    duration = {} if {"steps", "epochs"} & options.keys() else {"steps": 100}
    return TrainingConfig(**(duration | options))


def recording(**options: Any) -> Recording:
    return Recording(**options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrainingConfig(), "steps or epochs must be given, one of the two, got steps=None"),
        (lambda: config(steps=1, epochs=1), "one of the two, got steps=1 and epochs=1"),
        (lambda: config(steps=0), "steps must be an integer of at least 1, got 0"),
        (lambda: config(epochs=0), "epochs must be an integer of at least 1, got 0"),
        (lambda: config(steps=1.5), "steps must be an integer of at least 1, got 1.5"),
        (lambda: config(steps=True), "steps must be an integer of at least 1, got True"),
        (lambda: config(batch_size=0), "batch_size must be an integer of at least 1, got 0"),
        (lambda: config(optimizer="adm"), "optimizer must be one of .*Did you mean 'adam'"),
        (lambda: config(optimizer=None), "optimizer must be one of 'sgd', 'momentum'.*, got None"),
        (lambda: config(loss="hinge"), "loss must be one of 'softmax_cross_entropy', 'squared_"),
        (lambda: config(learning_rate=0), "learning_rate must be a finite number above 0, got 0"),
        (lambda: config(learning_rate="1"), "learning_rate must be a finite number above 0, got"),
        (lambda: config(weight_decay=-1), "weight_decay must be a finite number at least 0, got"),
        (
            lambda: config(optimizer_options={"momentum": 0.5}),
            r"optimizer_options must be arguments of 'sgd', got \{'momentum': 0.5\}",
        ),
        (
            lambda: config(optimizer="adam", optimizer_options={"learning_rate": 1}),
            "optimizer_options must be arguments of 'adam', got",
        ),
        (
            lambda: config(optimizer="momentum", optimizer_options={"momentum": 1}),
            "momentum must be a finite number at least 0 and below 1, got 1",
        ),
        (lambda: recording(first_step=0), "first_step must be an integer of at least 1, got 0"),
        (lambda: recording(every=0), "every must be an integer of at least 1, got 0"),
        (lambda: recording(train="often"), "train must be one of 'always', 'last', 'never', got"),
        (lambda: recording(test="lst"), "test must be one of .*Did you mean 'last'"),
        (lambda: recording(batch="last"), "batch must be one of 'never', 'always', got 'last'"),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_published_set_up_records_after_the_first_step_of_each_epoch() -> None:
    published = config(steps=191, recording=Recording(first_step=1))
    assert list(published.recorded_steps(1000)) == list(range(1, 192, 10))


def test_by_default_the_end_of_each_epoch_is_recorded() -> None:
    assert list(config(epochs=3).recorded_steps(1000)) == [10, 20, 30]


def test_by_default_a_short_training_is_recorded_at_its_end() -> None:
    assert list(config(steps=4).recorded_steps(1000)) == [4]


def test_first_step_and_distance_of_records_may_be_given() -> None:
    stated = config(steps=20, recording=Recording(first_step=3, every=7))
    assert list(stated.recorded_steps(1000)) == [3, 10, 17]


def test_an_epoch_is_as_many_steps_as_there_are_whole_batches() -> None:
    assert config(epochs=2).n_steps(1099) == 20


def test_data_smaller_than_a_batch_has_epochs_of_one_step() -> None:
    assert config(epochs=5).n_steps(30) == 5


def test_steps_count_the_same_whatever_the_data() -> None:
    assert config(steps=7).n_steps(30) == config(steps=7).n_steps(60_000) == 7


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_is_made_by_its_name(name: Any) -> None:
    optimizer = config(optimizer=name, learning_rate=0.25).make_optimizer()
    assert type(optimizer).__name__.lower() == name
    assert optimizer.learning_rate == 0.25


def test_options_reach_the_optimizer() -> None:
    options = {"beta1": 0.8, "eps": 1e-4}
    optimizer = config(optimizer="adam", optimizer_options=options).make_optimizer()
    assert isinstance(optimizer, Adam)
    assert (optimizer.beta1, optimizer.beta2, optimizer.eps) == (0.8, 0.999, 1e-4)


def test_each_call_makes_an_optimizer_of_its_own() -> None:
    stated = config(optimizer="adam")
    assert stated.make_optimizer() is not stated.make_optimizer()


def test_losses_are_made_by_their_names() -> None:
    assert isinstance(config().make_loss(), SoftmaxCrossEntropy)
    assert isinstance(config(loss="squared_error").make_loss(), SquaredError)
    assert len(LOSSES) == 2


def test_config_survives_json() -> None:
    stated = config(optimizer="rmsprop", optimizer_options={"rho": 0.95}, weight_decay=1e-4)
    values = json.loads(json.dumps(asdict(stated)))
    recorded, probes = Recording(**values.pop("recording")), Probes(**values.pop("probes"))
    assert TrainingConfig(recording=recorded, probes=probes, **values) == stated


def test_config_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        config().steps = 3  # type: ignore[misc]  # frozen is the point
