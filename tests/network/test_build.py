from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.layers import BatchNorm, Dense, Dropout
from normlab.network import MLPSpec, Network, build_mlp

SIZES = (20, 9, 7, 3)


def build(seed: int = 0, **options: Any) -> Network:
    return build_mlp(MLPSpec(**({"sizes": SIZES} | options)), rng=np.random.default_rng(seed))


def weights(network: Network) -> list[bytes]:
    return [p.tobytes() for name, p in network.parameters.items() if name.endswith("weight")]


def kinds(network: Network) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize(
    "options",
    [
        {"normalization": "batch"},
        {"normalization": "batch", "placement": "after"},
        {"normalization": "batch", "bias_before_normalization": True},
        {"dropout": 0.5},
        {"normalization": "batch", "dropout": 0.5, "activation": "tanh", "convention": "book"},
    ],
    ids=str,
)
def test_networks_of_the_same_sizes_and_seed_start_from_the_same_weights(
    options: dict[str, Any],
) -> None:
    assert weights(build(**options)) == weights(build())


def test_weight_scales_scale_the_same_draws() -> None:
    large, small = build(weight_init=1.0), build(weight_init=0.25)
    np.testing.assert_array_equal(small.parameters["0.weight"], large.parameters["0.weight"] / 4)


def test_dtypes_round_the_same_draws() -> None:
    wide, narrow = build(dtype="float64"), build(dtype="float32")
    assert wide.dtype == np.float64
    for name, p in narrow.parameters.items():
        np.testing.assert_array_equal(p, wide.parameters[name].astype(np.float32))


def test_every_array_has_the_dtype_of_the_spec() -> None:
    network = build(dtype="float64", normalization="batch")
    assert {p.dtype for p in network.parameters.values()} == {np.dtype(np.float64)}


def test_another_seed_draws_other_weights() -> None:
    assert weights(build(seed=1)) != weights(build(seed=2))


def test_dropout_masks_follow_from_the_seed() -> None:
    x = np.ones((4, 20), dtype=np.float32)
    outputs = [build(dropout=0.5).forward(x, training=True)[0] for _ in range(2)]
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_each_dropout_has_a_generator_of_its_own() -> None:
    layers = [layer for layer in build(dropout=0.5).layers if isinstance(layer, Dropout)]
    draws = [layer.rng.random(8).tolist() for layer in layers]
    assert len(draws) == 2
    assert draws[0] != draws[1]


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        ({}, ["Dense", "ReLU"]),
        ({"activation": "sigmoid"}, ["Dense", "Sigmoid"]),
        ({"activation": "tanh"}, ["Dense", "Tanh"]),
        ({"normalization": "batch"}, ["Dense", "BatchNorm", "ReLU"]),
        ({"normalization": "batch", "placement": "after"}, ["Dense", "ReLU", "BatchNorm"]),
        ({"dropout": 0.1}, ["Dense", "ReLU", "Dropout"]),
        (
            {"normalization": "batch", "placement": "after", "dropout": 0.1},
            ["Dense", "ReLU", "BatchNorm", "Dropout"],
        ),
    ],
    ids=str,
)
def test_hidden_layers_hold_what_the_spec_says(options: dict[str, Any], hidden: list[str]) -> None:
    assert kinds(build(**options)) == [*hidden, *hidden, "Dense"]


def test_a_network_without_hidden_layers_is_one_dense_layer() -> None:
    assert kinds(build(sizes=(20, 3), normalization="batch", dropout=0.5)) == ["Dense"]


@pytest.mark.parametrize(
    ("options", "biased"),
    [
        ({}, [True, True, True]),
        ({"normalization": "batch"}, [False, False, True]),
        ({"normalization": "batch", "placement": "after"}, [True, True, True]),
        ({"normalization": "batch", "bias_before_normalization": True}, [True, True, True]),
    ],
    ids=str,
)
def test_only_a_dense_layer_right_before_its_normalization_has_no_bias(
    options: dict[str, Any], biased: list[bool]
) -> None:
    dense = [layer for layer in build(**options).layers if isinstance(layer, Dense)]
    assert [layer.bias is not None for layer in dense] == biased


def test_sizes_go_from_layer_to_layer() -> None:
    network = build(normalization="batch")
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    norms = [layer for layer in network.layers if isinstance(layer, BatchNorm)]
    assert [(layer.n_inputs, layer.n_outputs) for layer in dense] == [(20, 9), (9, 7), (7, 3)]
    assert [layer.n_features for layer in norms] == [9, 7]


def test_convention_reaches_every_normalization() -> None:
    network = build(normalization="batch", convention="book")
    norms = [layer for layer in network.layers if isinstance(layer, BatchNorm)]
    assert {layer.convention for layer in norms} == {"book"}


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shift", [True, False])
def test_scale_and_shift_reach_every_normalization(scale: bool, shift: bool) -> None:
    network = build(normalization="batch", scale=scale, shift=shift)
    norms = [layer for layer in network.layers if isinstance(layer, BatchNorm)]
    assert [(n.gamma is not None, n.beta is not None) for n in norms] == [(scale, shift)] * 2


@pytest.mark.parametrize(
    ("weight_init", "variance"),
    [("he", 2 / 300), ("lecun", 1 / 300), ("xavier", 2 / 700), (0.05, 0.0025)],
)
def test_weights_have_the_variance_of_their_initializer(weight_init: Any, variance: float) -> None:
    network = build(sizes=(300, 400, 3), weight_init=weight_init)
    assert network.parameters["0.weight"].var() == pytest.approx(variance, rel=0.02)


def test_biases_start_at_zero() -> None:
    assert not build().parameters["0.bias"].any()


@pytest.mark.parametrize("seed", [3, None])
def test_a_seed_is_no_generator(seed: Any) -> None:
    spec = MLPSpec(sizes=SIZES, weight_init=0.0, dropout=0.5)  # which draws masks alone
    with pytest.raises(ArgumentError, match=rf"rng must be a numpy\.random\.Generator, got {seed}"):
        build_mlp(spec, rng=seed)


def test_built_networks_run_images_of_the_published_size() -> None:
    network = build(sizes=(784, 100, 100, 10), normalization="batch")
    y, _ = network.forward(np.zeros((2, 784), dtype=np.float32), training=True)
    assert y.shape == (2, 10)
    assert y.dtype == np.float32
