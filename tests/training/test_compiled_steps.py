"""Steps and measurements in one compiled call, against layers in turn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from toy import bits, short

from normlab.data import Dataset
from normlab.data.pixels import Pixels
from normlab.errors import ArgumentError, StatisticsError
from normlab.network import MLPSpec, Network, build_mlp
from normlab.training import (
    History,
    Probes,
    Recording,
    SoftmaxCrossEntropy,
    Step,
    TrainingConfig,
    evaluate,
    train,
)
from normlab.training.metrics import Evaluator
from normlab.training.steps import CompiledSteps, compiled_steps

SIZES = (300, 20, 17, 5)
N_TRAIN, N_TEST = 90, 33
OPTIMIZERS = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]


def images(dtype: Any = np.float32, n_features: int = SIZES[0], zeros: float = 0.7) -> Dataset:
    """Return rows of which most numbers are 0, and whole columns are."""
    rng = np.random.default_rng(7)
    stored = rng.integers(0, 256, (N_TRAIN + N_TEST, n_features))
    stored[rng.random(stored.shape) < zeros] = 0
    stored[:, 40:200] = 0
    y = rng.integers(0, SIZES[-1], len(stored))
    if dtype is Pixels:
        x: Any = Pixels(stored.astype(np.uint8))
    else:
        x = (stored / 255).astype(dtype)
    return Dataset(x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:])


def network(**options: Any) -> Network:
    spec: dict[str, Any] = {"sizes": SIZES, "normalization": "batch", "weight_init": 0.3} | options
    return build_mlp(MLPSpec(**spec), rng=np.random.default_rng(0))


def config(**options: Any) -> TrainingConfig:
    usual: dict[str, Any] = {"batch_size": 20, "recording": Recording(first_step=1, every=4)}
    return short(**usual | options)


def run(own: Network, data: Dataset, training: TrainingConfig, **options: Any) -> History:
    return train(own, data, training, rng=np.random.default_rng(1), **options)


def both(
    training: TrainingConfig, data: Dataset, make: Callable[[], Network] = network
) -> tuple[tuple[Network, History], tuple[Network, History]]:
    """Return network and history of compiled steps, and those of layers in turn."""
    compiled, in_turn = make(), make()
    assert is_compiled(compiled, data, training)
    in_turn._chain = None
    assert not is_compiled(in_turn, data, training)
    return (compiled, run(compiled, data, training)), (in_turn, run(in_turn, data, training))


def is_compiled(own: Network, data: Dataset, training: TrainingConfig) -> bool:
    return isinstance(steps_of(own, data, training), CompiledSteps)


def steps_of(own: Network, data: Dataset, training: TrainingConfig) -> CompiledSteps | None:
    at_once = Evaluator(own, training.make_loss(), data.x_train, data.y_train).at_once
    return compiled_steps(own, at_once, training, training.make_optimizer())


def assert_same(pair: Any) -> None:
    (compiled, history), (in_turn, expected) = pair
    assert bits(compiled) == bits(in_turn)
    assert history == expected


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_they_give_the_bits_of_layers_in_turn(normalization: str, optimizer: Any) -> None:
    training = config(optimizer=optimizer, learning_rate=0.01)
    assert_same(both(training, images(), lambda: network(normalization=normalization)))


@pytest.mark.parametrize("convention", ["book", "keras", "paper"])
def test_running_statistics_move_as_each_convention_says(convention: str) -> None:
    """Of which one weighs each batch by how many there were."""
    assert_same(both(config(), images(), lambda: network(convention=convention)))


def test_float64_stays_float64() -> None:
    assert_same(both(config(), images(np.float64), lambda: network(dtype="float64")))


def test_bytes_are_taken_as_their_floats_are() -> None:
    found = both(config(), images(Pixels))
    assert_same(found)
    floats = network()
    assert run(floats, images(), config()) == found[0][1]
    assert bits(floats) == bits(found[0][0])


def test_floats_that_no_bytes_stand_for_are_taken_as_they_are() -> None:
    data = images()
    halves = Dataset(data.x_train * np.float32(0.7), data.y_train, data.x_test, data.y_test)
    assert_same(both(config(), halves))


@pytest.mark.parametrize("n_features", [299, 581])
@pytest.mark.parametrize("zeros", [0.1, 0.9, 1])
def test_any_number_of_zeros_gives_the_same_bits(n_features: int, zeros: float) -> None:
    data = images(n_features=n_features, zeros=zeros)
    for batch_size in (17, 20):
        training = config(batch_size=batch_size)
        assert_same(both(training, data, lambda: network(sizes=(n_features, *SIZES[1:]))))


@pytest.mark.parametrize("replacement", [True, False])
def test_batches_are_the_same(replacement: bool) -> None:
    assert_same(both(config(replacement=replacement, steps=23), images()))


def test_a_training_that_diverges_stops_at_the_same_step() -> None:
    training = config(learning_rate=1e8, steps=40, recording=Recording(first_step=30, every=5))
    found = both(training, images(), lambda: network(normalization="none"))
    assert_same(found)
    assert 1 < (found[0][1].diverged_at_step or 0) < 30


def test_a_training_that_diverges_at_once_has_no_statistics() -> None:
    found = both(config(), images(), lambda: network(weight_init=5e37))
    assert_same(found)
    assert found[0][1].diverged_at_step == 1
    assert np.isnan(found[0][1].train_loss).all()


@pytest.mark.parametrize("n_units", [1, 2, SIZES[1]])
def test_probes_change_nothing(n_units: int) -> None:
    watched, alone = (network(sizes=(SIZES[0], n_units, SIZES[-1])) for _ in range(2))
    probes = Probes(names=("gradients",), first_step=3, every=4)
    seen = run(watched, images(), config(probes=probes))
    expected = run(alone, images(), config())
    assert seen.probed_steps.tolist() == [3, 7, 11]
    assert bits(watched) == bits(alone)
    np.testing.assert_array_equal(seen.train_loss, expected.train_loss)


def test_callbacks_come_after_each_step_and_change_nothing() -> None:
    watched, alone = network(), network()
    seen: list[Step] = []
    assert run(watched, images(), config(), callbacks=[seen.append]) == run(
        alone, images(), config()
    )
    assert [step.step for step in seen] == list(range(1, 13))
    assert np.isfinite([step.objective for step in seen]).all()
    assert bits(watched) == bits(alone)


def test_a_large_network_takes_few_steps_at_a_time() -> None:
    """Ctrl-C waits for the end of a compiled call."""
    small = steps_of(network(), images(), config())
    wide = network(sizes=(300, 3000, 3000, 5))
    large = steps_of(wide, images(), config())
    assert small is not None
    assert large is not None
    assert large.most < 10 < small.most


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 15}, {"weight_decay": 0.1}],
    ids=["few rows", "weight decay"],
)
def test_other_trainings_go_layer_by_layer(options: dict[str, Any]) -> None:
    own = network()
    assert not is_compiled(own, images(), config(**options))
    assert np.isfinite(run(own, images(), config(**options)).train_loss).all()


def test_data_of_another_dtype_goes_layer_by_layer() -> None:
    assert not is_compiled(network(), images(np.float64), config())
    assert not is_compiled(network(dtype="float64"), images(Pixels), config())


def test_labels_that_the_network_has_no_output_for_are_refused() -> None:
    data, own = images(), network(sizes=(300, 20, 3))
    before = bits(own)
    with pytest.raises(ArgumentError, match=r"target must be class indices in 0\.\.2, got"):
        run(own, data, config())
    assert bits(own) == before


def test_evaluation_needs_running_statistics() -> None:
    data = images()
    with pytest.raises(StatisticsError):
        evaluate(network(), SoftmaxCrossEntropy(), data.x_train, data.y_train)


@pytest.mark.parametrize("batch_size", [10, 20])
@pytest.mark.parametrize("name", ["0.weight", "1.gamma", "1.running_mean"])
def test_what_is_read_only_is_not_written(name: str, batch_size: int) -> None:
    """Compiled code writes where an array is, and would not ask."""
    own = network()
    frozen: Any = {**own.parameters, **own.statistics}[name]
    frozen.flags.writeable = False
    before = frozen.copy()
    with pytest.raises(ArgumentError, match=r" must be writeable, got a read-only array\.$"):
        run(own, images(), config(batch_size=batch_size))
    np.testing.assert_array_equal(frozen, before)


def test_a_pass_and_its_statistics_leave_what_is_read_only_alone() -> None:
    own = network()
    _, cache = own.forward(images().x_train[:50], training=True)
    own.statistics["1.running_var"].flags.writeable = False
    with pytest.raises(ArgumentError, match=r"^running_var must be writeable"):
        own.update_statistics(cache)


def test_labels_that_a_callback_spoils_do_no_harm() -> None:
    found = []
    for spoilt in (0, 10**9):
        own, data = network(), images()
        labels = data.y_train.copy()
        data = Dataset(data.x_train, labels, data.x_test, data.y_test)

        def spoil(step: Step, labels: Any = labels, spoilt: int = spoilt) -> None:
            labels += spoilt

        run(own, data, config(recording=Recording(train="never")), callbacks=[spoil])
        found.append(bits(own))
    assert found[0] == found[1]
