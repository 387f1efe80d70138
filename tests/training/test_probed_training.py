"""A probed training is the training that it watches."""

from typing import Any

import numpy as np
import pytest
from toy import bits, exploding, fit, one_hot_data, plain, toy_network

from normlab.data import Dataset, load_mnist
from normlab.errors import ArgumentError
from normlab.layers import BatchNorm, Dense, Flatten
from normlab.network import MLPSpec, Network, build_mlp
from normlab.training import History, Probes, Recording, TrainingConfig, train
from normlab.training.probes.settings import NAMES
from normlab.training.probes.table import PROBES

ALL: Any = NAMES


def everything(**options: Any) -> Probes:
    return Probes(**({"names": ALL, "every": 1} | options))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"normalization": "none", "dropout": 0.5},
        {"dropout": 0.5, "placement": "after", "activation": "tanh"},
        {"scale": False, "shift": False, "activation": "sigmoid"},
    ],
    ids=str,
)
@pytest.mark.parametrize("training", [{}, {"weight_decay": 0.1, "optimizer": "adam"}], ids=str)
def test_probes_change_no_bit_of_a_training(
    options: dict[str, Any], training: dict[str, Any]
) -> None:
    watched, alone = toy_network(**options), toy_network(**options)
    history = fit(watched, probes=everything(), **training)
    expected = fit(alone, **training)
    assert bits(watched) == bits(alone)
    assert history.rows()[0].keys() == expected.rows()[0].keys()
    np.testing.assert_array_equal(history.train_loss, expected.train_loss)
    np.testing.assert_array_equal(history.test_accuracy, expected.test_accuracy)


def test_without_probes_no_pass_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Network, "forward_all", refuse)
    monkeypatch.setattr(Network, "backward_all", refuse)
    history = fit(toy_network())
    assert len(history.probed_steps) == len(history.probes) == 0
    with pytest.raises(AssertionError):
        fit(toy_network(), probes=everything())


def test_without_probes_nothing_is_spawned_from_the_generator() -> None:
    rng = np.random.default_rng(1)
    config = TrainingConfig(steps=1, batch_size=4)
    data = load_mnist(n_train=8, n_test=8)
    train(build_mlp(MLPSpec(sizes=(784, 10)), rng=rng), data, config, rng=rng)
    fresh = np.random.default_rng(1)
    assert rng.spawn(1)[0].random() == fresh.spawn(1)[0].random()


def test_between_probed_steps_no_pass_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    watched, original = [], Network.forward_all

    def counted(self: Network, x: Any, *, training: bool) -> Any:
        watched.append(training)
        return original(self, x, training=training)

    monkeypatch.setattr(Network, "forward_all", counted)
    history = fit(toy_network(), probes=everything(first_step=2, every=4))
    assert history.probed_steps.tolist() == [2, 6, 10]
    assert watched == [True, True, True]


def test_by_default_the_first_step_of_each_epoch_is_probed() -> None:
    history = fit(toy_network(), epochs=3, probes=Probes(names=("updates",)))
    assert history.probed_steps.tolist() == [1, 5, 9]
    assert len(history.probes["update_ratio"]) == 3


def test_every_probe_stands_in_the_table() -> None:
    assert tuple(PROBES) == NAMES


def test_every_series_stands_in_the_documentation() -> None:
    history = fit(toy_network(), probes=everything())
    missing = [name for name in history.probes if f"``{name}``" not in (Probes.__doc__ or "")]
    assert missing == []


def test_series_come_in_the_order_of_the_names() -> None:
    history = fit(toy_network(), probes=Probes(names=("updates", "dead-units")))
    assert list(history.probes) == ["update_ratio", "dead_share"]


def test_a_diverging_step_is_not_probed() -> None:
    history = fit(plain(), one_hot_data(), **exploding(probes=everything()))
    assert history.diverged_at_step is not None
    assert history.probed_steps.tolist() == list(range(1, history.diverged_at_step))


def test_divergence_at_the_first_step_leaves_nothing_to_probe() -> None:
    network = toy_network(normalization="none", weight_init=1e30)
    history = fit(network, probes=everything())
    assert history.diverged_at_step == 1
    assert len(history.probed_steps) == len(history.probes) == 0


def test_what_is_not_finite_is_read_without_warnings() -> None:
    # The objective of the first step is finite; where the step leads is not.
    network = toy_network(normalization="none", weight_init=1e3)
    history = fit(network, steps=1, learning_rate=1e38, probes=everything())
    assert history.diverged_at_step is None
    assert not np.isfinite(history.probes["update_ratio"].values).all()


def test_a_probed_training_happens_again_to_the_bit() -> None:
    first, second = (fit(toy_network(), probes=everything()) for _ in range(2))
    assert first == second


def test_a_first_probe_after_the_last_step_is_refused_before_training() -> None:
    with pytest.raises(ArgumentError, match=r"probes\.first_step must come by step 12, the last"):
        fit(toy_network(), probes=everything(first_step=13))


def test_a_batch_of_one_image_has_no_projection() -> None:
    x, y = np.random.default_rng(0).standard_normal((4, 2, 2, 3)), np.arange(4) % 2
    rng = np.random.default_rng(0)
    network = Network([BatchNorm(3), Flatten(), Dense(12, 2, rng=rng)])
    config = TrainingConfig(steps=1, batch_size=1, probes=everything())
    history = train(network, Dataset(x, y, x, y), config, rng=rng)
    assert np.isnan(history.probes["passed_gradient"].values).all()


def passed(batch_size: int) -> float:
    network = toy_network(sizes=(4, 10_000, 3))
    settings = Probes(names=("projection",))
    recording = Recording(train="never", test="never")
    history = fit(network, steps=1, batch_size=batch_size, probes=settings, recording=recording)
    return float(history.probes["passed_gradient"].values[0, 0])


@pytest.mark.parametrize(
    ("batch_size", "share"), [(2, 0.0), (3, 0.70), (4, 0.87), (8, 0.965), (32, 0.995)]
)
def test_a_small_batch_lets_little_of_the_gradient_pass(batch_size: int, share: float) -> None:
    assert passed(batch_size) == pytest.approx(share, abs=0.03)


def growth(history: History, kind: str) -> float:
    """Return by how much the squared gradient norm grows a layer, towards the input."""
    series = history.probes["gradient_norm"]
    chosen = [i for i, label in enumerate(series.labels[0]) if str(label).startswith(kind)]
    logs = 2 * np.log(series.values[0, chosen])
    return float(np.exp(-np.polyfit(range(len(logs)), logs, 1)[0]))


def test_normalization_makes_gradients_of_a_deep_relu_network_grow_towards_the_input() -> None:
    # By pi / (pi - 1) = 1.467 a layer: Yang et al. (2019), "A Mean Field Theory of Batch
    # Normalization".
    spec = MLPSpec(sizes=(784, *[200] * 16, 10), normalization="batch")
    network = build_mlp(spec, rng=np.random.default_rng(0))
    recording = Recording(train="never", test="never")
    probes = Probes(names=("gradients",))
    config = TrainingConfig(steps=1, batch_size=256, recording=recording, probes=probes)
    data = load_mnist(n_train=256, n_test=1)
    history = train(network, data, config, rng=np.random.default_rng(1))
    assert growth(history, "ReLU") == pytest.approx(np.pi / (np.pi - 1), rel=0.03)
