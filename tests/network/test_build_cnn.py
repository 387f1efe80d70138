"""Convolutional networks from their specs."""

from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.layers import BatchNorm, Conv2D, Dense, Dropout, MaxPool2D
from normlab.network import CNNSpec, MLPSpec, Network, build_cnn, build_mlp, build_network

SMALL: dict[str, Any] = {"image_shape": (8, 8, 2), "maps": (3, 4), "kernel_size": 3, "hidden": (5,)}


def build(seed: int = 0, **options: Any) -> Network:
    return build_cnn(CNNSpec(**(SMALL | options)), rng=np.random.default_rng(seed))


def kinds(network: Network) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


def of(network: Network, *kinds: type) -> list[Any]:
    return [layer for layer in network.layers if isinstance(layer, kinds)]


def weights(network: Network) -> list[bytes]:
    return [p.tobytes() for name, p in network.parameters.items() if name.endswith("weight")]


def masks(network: Network) -> list[Any]:
    """The first draws of each dropout layer."""
    return [layer.rng.random(4).tolist() for layer in of(network, Dropout)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [*["Conv2D", "ReLU", "MaxPool2D"] * 2, "Flatten", "Dense", "ReLU", "Dense"]),
        ({"pool_size": 1, "maps": (2,), "hidden": ()}, ["Conv2D", "ReLU", "Flatten", "Dense"]),
        (
            {"normalization": "batch", "dropout": 0.5, "maps": (2,)},
            [
                *("Conv2D", "BatchNorm", "ReLU", "MaxPool2D", "Flatten"),
                *("Dense", "BatchNorm", "ReLU", "Dropout", "Dense"),
            ],
        ),
        (
            {"normalization": "batch", "placement": "after", "activation": "tanh", "maps": (2,)},
            [
                *("Conv2D", "Tanh", "BatchNorm", "MaxPool2D", "Flatten"),
                *("Dense", "Tanh", "BatchNorm", "Dense"),
            ],
        ),
    ],
    ids=str,
)
def test_layers_stand_in_the_order_that_the_spec_says(
    options: dict[str, Any], expected: list[str]
) -> None:
    assert kinds(build(**options)) == expected


def test_sizes_go_from_layer_to_layer() -> None:
    network = build()
    shapes = [p.shape for name, p in network.parameters.items() if name.endswith("weight")]
    assert shapes == [(3, 3, 2, 3), (3, 3, 3, 4), (2 * 2 * 4, 5), (5, 10)]


def test_a_feature_map_is_one_feature_of_its_normalization() -> None:
    norms = of(build(normalization="batch"), BatchNorm)
    assert [norm.n_features for norm in norms] == [3, 4, 5]


def test_window_sizes_and_padding_reach_the_layers() -> None:
    network = build(kernel_size=5, padding=2, pool_size=3, maps=(2,))
    x, shapes = np.zeros((1, 8, 8, 2), np.float32), []
    for y in network.forward_all(x, training=False)[0]:
        shapes.append(y.shape[1:3])
    assert shapes[:3] == [(8, 8), (8, 8), (2, 2)]
    assert len(of(network, MaxPool2D)) == 1


PAIRED: list[dict[str, Any]] = [
    {"normalization": "batch"},
    {"normalization": "batch", "gamma_init": 0.1, "beta_init": 0.1},
    {"normalization": "batch", "placement": "after", "scale": False, "gamma_init": 0.1},
    {"normalization": "batch", "bias_before_normalization": True, "bias_init": 0.1},
    {"activation": "tanh"},
]


@pytest.mark.parametrize("options", PAIRED, ids=str)
def test_networks_of_the_same_sizes_and_seed_start_from_the_same_weights(
    options: dict[str, Any],
) -> None:
    plain = weights(build())
    assert weights(build(**options)) == plain
    assert weights(build(**options, dropout=0.5)) == plain


@pytest.mark.parametrize("options", PAIRED, ids=str)
def test_networks_of_the_same_sizes_and_seed_drop_the_same_units(options: dict[str, Any]) -> None:
    hidden: dict[str, Any] = {"hidden": (5, 6), "dropout": 0.5}
    found = masks(build(**hidden))
    assert masks(build(**hidden, **options)) == found
    assert found[0] != found[1]


def test_another_seed_draws_other_weights_and_masks() -> None:
    one, other = (build(seed, dropout=0.5) for seed in (1, 2))
    assert weights(one) != weights(other)
    assert masks(one) != masks(other)


def test_truncated_weights_lie_within_two_deviations() -> None:
    wide: dict[str, Any] = {"maps": (20, 20), "hidden": (50,), "weight_init": 0.1}
    for truncated in (False, True):
        network = build(**wide, truncated=truncated)
        for layer in of(network, Conv2D, Dense):
            assert (np.abs(layer.weight).max() <= np.float32(0.2)) == truncated


def test_every_bias_there_is_starts_where_the_spec_says() -> None:
    normalized: dict[str, Any] = {"normalization": "batch", "bias_before_normalization": True}
    for options in ({}, normalized):
        layers = of(build(bias_init=0.1, **options), Conv2D, Dense)
        assert len(layers) == 4
        assert all((layer.bias == np.float32(0.1)).all() for layer in layers)


def test_a_layer_right_before_its_normalization_has_no_bias() -> None:
    layers = of(build(normalization="batch", bias_init=0.1), Conv2D, Dense)
    assert [layer.bias is not None for layer in layers] == [False, False, False, True]


def test_gamma_and_beta_start_at_one_and_zero() -> None:
    for norm in of(build(normalization="batch"), BatchNorm):
        assert (norm.gamma == 1).all()
        assert (norm.beta == 0).all()


def test_gamma_and_beta_are_drawn_where_a_deviation_is_given() -> None:
    network = build(normalization="batch", hidden=(2000,), gamma_init=0.1, beta_init=0.3)
    for values, std in (
        (of(network, BatchNorm)[-1].gamma, 0.1),
        (of(network, BatchNorm)[-1].beta, 0.3),
    ):
        assert np.abs(values).max() <= np.float32(2 * std)
        assert abs(values.mean()) < 0.1 * std
        assert values.std() == pytest.approx(0.88 * std, rel=0.05)
    gammas = [norm.gamma[:3].tolist() for norm in of(network, BatchNorm)]
    assert gammas[0] != gammas[1]


def test_without_scale_there_is_no_gamma_to_draw() -> None:
    drawn: dict[str, Any] = {"normalization": "batch", "gamma_init": 0.1, "beta_init": 0.1}
    with_gamma, without = (of(build(scale=scale, **drawn), BatchNorm) for scale in (True, False))
    assert [norm.gamma for norm in without] == [None] * 3
    for one, other in zip(with_gamma, without, strict=True):
        np.testing.assert_array_equal(one.beta, other.beta)


def test_every_array_has_the_dtype_of_the_spec() -> None:
    network = build(dtype="float64", normalization="batch", gamma_init=0.1)
    assert {p.dtype for p in network.parameters.values()} == {np.dtype(np.float64)}


def test_built_networks_take_images_and_pass_gradients_to_every_parameter() -> None:
    network = build(normalization="batch", dropout=0.2, gamma_init=0.1)
    x = np.random.default_rng(0).standard_normal((4, 8, 8, 2)).astype(np.float32)
    y, cache = network.forward(x, training=True)
    dx, gradients = network.backward(np.ones_like(y), cache)
    assert (y.shape, dx.shape) == ((4, 10), x.shape)
    assert list(gradients) == list(network.parameters)


@pytest.mark.parametrize("spec", [CNNSpec(**SMALL), MLPSpec(sizes=(4, 3))], ids=["cnn", "mlp"])
def test_a_network_is_built_from_any_spec(spec: CNNSpec | MLPSpec) -> None:
    network = build_network(spec, rng=np.random.default_rng(0))
    assert type(network.layers[0]).__name__ == ("Conv2D" if spec.kind == "cnn" else "Dense")


def test_what_is_no_spec_of_the_kind_is_refused() -> None:
    wrong: Any = {"kind": "cnn"}
    rng = np.random.default_rng(0)
    with pytest.raises(ArgumentError, match=r"spec must be an MLPSpec or a CNNSpec, got \{'kind'"):
        build_network(wrong, rng=rng)
    with pytest.raises(ArgumentError, match="spec must be a CNNSpec, got MLPSpec"):
        build_cnn(MLPSpec(sizes=(4, 3)), rng=rng)  # type: ignore[arg-type]  # the point
    with pytest.raises(ArgumentError, match="spec must be an MLPSpec, got CNNSpec"):
        build_mlp(CNNSpec(), rng=rng)  # type: ignore[arg-type]  # the point


def test_a_seed_is_no_generator() -> None:
    seed: Any = 3
    with pytest.raises(ArgumentError, match=r"rng must be a numpy\.random\.Generator, got 3"):
        build_cnn(CNNSpec(), rng=seed)
