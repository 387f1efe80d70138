import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

import normlab as nl
from normlab import gradcheck
from normlab._typing import FloatArray
from normlab.errors import ArgumentError, ShapeError, StatisticsError
from normlab.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)
from normlab.network import Network

X: FloatArray = np.random.default_rng(1).standard_normal((6, 4))


def layers(dtype: Any = np.float64) -> list[Layer[Any]]:
    rng = np.random.default_rng(0)
    return [
        Dense(4, 5, rng=rng, bias=False, dtype=dtype),
        BatchNorm(5, dtype=dtype),
        Tanh(),
        Dense(5, 3, rng=rng, dtype=dtype),
    ]


def state(network: Network) -> dict[str, bytes]:
    arrays = network.parameters | network.statistics
    return {name: array.tobytes() for name, array in arrays.items()}


def upstream(y: FloatArray) -> FloatArray:
    return np.random.default_rng(2).standard_normal(y.shape)


def test_names_are_dotted_and_count_layers_from_zero() -> None:
    network = Network(layers())
    assert list(network.parameters) == ["0.weight", "1.gamma", "1.beta", "3.weight", "3.bias"]
    assert list(network.statistics) == ["1.running_mean", "1.running_var", "1.n_updates"]


def test_parameters_are_the_arrays_of_the_layers() -> None:
    network = Network(layers())
    dense = network.layers[0]
    assert network.parameters["0.weight"] is dense.parameters["weight"]


def test_writing_into_the_arrays_sets_the_network() -> None:
    network = Network(layers())
    for array in network.parameters.values():
        array[...] = 0
    network.parameters["3.bias"][...] = [1, 2, 3]
    y, _ = network.forward(X, training=True)
    np.testing.assert_array_equal(y, np.tile([1.0, 2.0, 3.0], (6, 1)))


def test_forward_runs_the_layers_in_order() -> None:
    network, x = Network(layers()), X
    for layer in layers():
        x, _ = layer.forward(x, training=True)
    np.testing.assert_array_equal(network.forward(X, training=True)[0], x)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_pass_the_gradient_check(training: bool) -> None:
    network = Network(layers())
    network.update_statistics(network.forward(X, training=True)[1])
    errors = gradcheck.elementwise(network, X, rng=np.random.default_rng(3), training=training)
    assert errors.keys() == {"x", *network.parameters}
    assert max(errors.values()) < 1e-6


def test_gradients_come_under_the_names_of_the_parameters_in_their_order() -> None:
    network = Network(layers())
    y, cache = network.forward(X, training=True)
    _, gradients = network.backward(upstream(y), cache)
    assert list(gradients) == list(network.parameters)
    shapes = {name: p.shape for name, p in network.parameters.items()}
    assert {name: g.shape for name, g in gradients.items()} == shapes


@pytest.mark.parametrize("first", [0, 1, 2], ids=["dense", "batch norm", "tanh"])
def test_parameter_gradients_are_those_of_backward(first: int) -> None:
    network = Network(layers()[first:])
    x = X if first == 0 else np.random.default_rng(5).standard_normal((6, 5))
    y, cache = network.forward(x, training=True)
    _, expected = network.backward(upstream(y), cache)
    alone = network.parameter_gradients(upstream(y), cache)
    assert list(alone) == list(expected)
    for name, gradient in expected.items():
        np.testing.assert_array_equal(alone[name], gradient)


@pytest.mark.parametrize("training", [True, False])
def test_forward_of_all_layers_returns_every_output(training: bool) -> None:
    network, x = Network(layers()), X
    network.update_statistics(network.forward(X, training=True)[1])
    outputs, _ = network.forward_all(X, training=training)
    assert len(outputs) == 4
    for layer, y in zip(network.layers, outputs, strict=True):
        x, _ = layer.forward(x, training=training)
        np.testing.assert_array_equal(y, x)


def test_backward_of_all_layers_returns_the_gradient_of_every_output() -> None:
    network = Network(layers())
    outputs, cache = network.forward_all(X, training=True)
    dy = upstream(outputs[-1])
    passed, gradients = network.backward_all(dy, cache)
    assert len(passed) == 4
    for i in reversed(range(4)):
        np.testing.assert_array_equal(passed[i], dy)
        dy, _ = network.layers[i].backward(dy, cache.layers[i])
    expected = network.parameter_gradients(passed[-1], cache)
    assert list(gradients) == list(expected)
    for name, gradient in expected.items():
        np.testing.assert_array_equal(gradients[name], gradient)


def rectified(norm: type[BatchNorm] = BatchNorm, relu: type[ReLU] = ReLU) -> Network:
    """Return a network with normalizations that a ReLU follows, and one that a Tanh follows."""
    rng = np.random.default_rng(0)
    between: list[Layer[Any]] = [
        norm(5),
        relu(),
        Dense(5, 5, rng=rng),
        norm(5),
        relu(),
        norm(5),
        Tanh(),
    ]
    network = Network([Dense(4, 5, rng=rng, bias=False), *between, relu(), Dense(5, 3, rng=rng)])
    for name, p in network.parameters.items():
        if name.endswith(("gamma", "beta")):
            p[...] = rng.standard_normal(5)
    network.update_statistics(network.forward(X32, training=True)[1])
    return network


class OtherBatchNorm(BatchNorm):
    """The same, as a type of its own."""


class OtherReLU(ReLU):
    """The same, as a type of its own."""


def bits(*passes: Any) -> list[bytes]:
    return [array.tobytes() for array in passes]


def check_together_against_in_turn(network: Network, x: FloatArray, training: bool) -> None:
    y, cache = network.forward(x, training=training)
    outputs, cache_in_turn = network.forward_all(x, training=training)
    assert bits(y) == bits(outputs[-1])
    dy = upstream(y).astype(np.float32)
    in_turn = network.backward_all(dy, cache_in_turn)[1]
    for own in (cache, cache_in_turn):
        dx, gradients = network.backward(dy, own)
        passed, alone = network.backward_all(dy, own)
        dx_in_turn, _ = network.layers[0].backward(passed[0], own.layers[0])
        assert list(gradients) == list(alone) == list(network.parameters)
        assert bits(dx) == bits(dx_in_turn)
        for found in (gradients, alone, network.parameter_gradients(dy, own)):
            assert bits(*found.values()) == bits(*in_turn.values())


X32 = np.random.default_rng(1).standard_normal((600, 4)).astype(np.float32)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("x", [X32, np.where(X32 > 2.5, np.float32(np.nan), X32)], ids=str)
def test_normalization_and_relu_together_give_the_bits_of_the_two_in_turn(
    x: FloatArray, training: bool
) -> None:
    check_together_against_in_turn(rectified(), x, training)


def test_caches_of_the_two_together_are_those_of_the_two_in_turn() -> None:
    network = rectified()
    _, cache = network.forward(X32, training=True)
    outputs, in_turn = network.forward_all(X32, training=True)
    assert len(cache.layers) == len(network.layers)
    assert bits(cache.layers[2].y, cache.layers[1].x) == bits(outputs[2], outputs[0])
    network.update_statistics(cache)
    moved = state(network)
    again = rectified()
    again.update_statistics(in_turn)
    assert state(again) == moved


def test_a_first_normalization_with_its_relu_gives_the_gradients_of_the_two_in_turn() -> None:
    network = Network([BatchNorm(4), ReLU()])
    y, cache = network.forward(X32, training=True)
    dy = upstream(y).astype(np.float32)
    alone, (_, expected) = network.parameter_gradients(dy, cache), network.backward(dy, cache)
    assert bits(*alone.values()) == bits(*expected.values())
    assert bits(*alone.values()) == bits(*network.backward_all(dy, cache)[1].values())


def pooled() -> Network:
    """Return a network whose normalizations have a ReLU and a pooling behind them.

    The windows overlap, leave a rest and reach beyond the images; the last normalization has its
    features on axis 1.
    """
    rng = np.random.default_rng(0)
    layers: list[Layer[Any]] = [
        BatchNorm(3),
        ReLU(),
        MaxPool2D(3, stride=2, padding="same"),
        Conv2D(3, 4, 3, rng=rng, bias=False),
        BatchNorm(4),
        ReLU(),
        MaxPool2D(2),
        BatchNorm(2, axis=1),
        ReLU(),
        MaxPool2D(2, stride=1),
        Flatten(),
        Dense(4, 3, rng=rng),
    ]
    network = Network(layers)
    for name, p in network.parameters.items():
        if name.endswith(("gamma", "beta")):
            p[...] = rng.standard_normal(p.shape)
    network.update_statistics(network.forward(IMAGES, training=True)[1])
    return network


IMAGES = np.random.default_rng(1).standard_normal((6, 9, 10, 3)).astype(np.float32)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("x", [IMAGES, np.where(IMAGES > 2.9, np.float32(np.nan), IMAGES)], ids=str)
def test_normalization_relu_and_pooling_together_give_the_bits_of_the_three_in_turn(
    x: FloatArray, training: bool
) -> None:
    check_together_against_in_turn(pooled(), x, training)


def test_caches_of_the_three_together_are_those_of_the_three_in_turn() -> None:
    network = pooled()
    _, cache = network.forward(IMAGES, training=True)
    outputs, in_turn = network.forward_all(IMAGES, training=True)
    found = cache.layers[5].y, cache.layers[6].winner
    assert bits(*found) == bits(outputs[5], in_turn.layers[6].winner)


def test_normalized_images_are_not_stored_for_the_pooling_behind() -> None:
    network = Network([BatchNorm(8), ReLU(), MaxPool2D(2)])
    x = np.random.default_rng(1).standard_normal((16, 64, 64, 8)).astype(np.float32)
    network.forward(x, training=True)
    tracemalloc.start()
    network.forward(x, training=True)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 0.5 * x.nbytes  # a quarter for the maxima, a sixteenth for the winners


@pytest.mark.parametrize(
    ("x", "named"),
    [
        (IMAGES[..., :2], "layer 0, BatchNorm(3): x must have 3 features"),
        (IMAGES[:, :1], "layer 2, MaxPool2D(2): x must have images at least as large"),
        (IMAGES[0], "layer 2, MaxPool2D(2): x must have shape (n, height, width, channels)"),
    ],
)
def test_of_three_layers_together_the_one_that_an_input_does_not_fit_is_named(
    x: FloatArray, named: str
) -> None:
    network = Network([BatchNorm(3), ReLU(), MaxPool2D(2)])
    with pytest.raises(ShapeError, match=re.escape(named)):
        network.forward(x, training=True)


def test_an_upstream_gradient_of_another_shape_is_an_error_of_the_pooling() -> None:
    network = Network([BatchNorm(3), ReLU(), MaxPool2D(2)])
    y, cache = network.forward(IMAGES, training=True)
    with pytest.raises(ShapeError, match=r"layer 2, MaxPool2D\(2\): dy must have shape \(6, 4, 5"):
        network.backward(y[:3], cache)


@pytest.mark.parametrize(
    ("norm", "relu", "calls"),
    [(BatchNorm, ReLU, 1), (OtherBatchNorm, ReLU, 2), (BatchNorm, OtherReLU, 2)],
)
def test_only_the_very_types_run_together(
    norm: Any, relu: Any, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for kind in (BatchNorm, ReLU):
        forward = kind.forward

        def spy(self: Any, *args: Any, forward: Any = forward, **options: Any) -> Any:
            seen.append(type(self))
            return forward(self, *args, **options)

        monkeypatch.setattr(kind, "forward", spy)
    network = Network([norm(4), relu()])
    y, _ = network.forward(X32, training=True)
    assert len(seen) == (0 if calls == 1 else 2)
    assert bits(y) == bits(network.forward_all(X32, training=True)[0][-1])


def test_an_upstream_gradient_of_another_shape_is_an_error_of_the_relu() -> None:
    network = Network([BatchNorm(4), ReLU()])
    _, cache = network.forward(X32, training=True)
    with pytest.raises(ShapeError, match=r"layer 1, ReLU\(\): dy must have shape \(600, 4\)"):
        network.backward(X32[:3], cache)


def test_forward_and_backward_leave_the_network_unchanged() -> None:
    network = Network(layers())
    before = state(network)
    y, cache = network.forward(X, training=True)
    network.backward(upstream(y), cache)
    assert state(network) == before


def test_forward_passes_do_not_disturb_each_other() -> None:
    network = Network(layers())
    y, cache = network.forward(X, training=True)
    expected = network.backward(upstream(y), cache)[0]
    network.forward(X[::-1] * 3, training=True)
    np.testing.assert_array_equal(network.backward(upstream(y), cache)[0], expected)


def test_update_statistics_reaches_every_normalization() -> None:
    network = Network([BatchNorm(4), ReLU(), BatchNorm(4)])
    network.update_statistics(network.forward(X, training=True)[1])
    assert network.statistics["0.n_updates"] == network.statistics["2.n_updates"] == 1
    np.testing.assert_allclose(network.statistics["0.running_mean"], 0.1 * X.mean(axis=0))


def test_statistics_may_be_written_too() -> None:
    network = Network([BatchNorm(4, dtype=np.float64)])
    network.statistics["0.running_mean"][...] = 1
    network.statistics["0.running_var"][...] = 4
    y, _ = network.forward(X, training=False)
    np.testing.assert_allclose(y, (X - 1) / 2, rtol=1e-5)


def test_error_of_a_layer_names_its_place() -> None:
    network = Network([Dense(4, 5, rng=np.random.default_rng(0)), BatchNorm(3)])
    message = r"layer 1, BatchNorm\(3\): x must have 3 features on axis -1, got shape \(6, 5\)"
    with pytest.raises(ShapeError, match=message):
        network.forward(X, training=True)


def test_prediction_is_the_output_in_evaluation_mode() -> None:
    network = Network(layers())
    network.update_statistics(network.forward(X, training=True)[1])
    before = state(network)
    np.testing.assert_array_equal(network.predict(X), network.forward(X, training=False)[0])
    assert state(network) == before


def test_prediction_without_statistics_names_the_layer() -> None:
    with pytest.raises(StatisticsError, match=r"layer 1, BatchNorm\(5\): running statistics must"):
        Network(layers()).predict(X)


def test_missing_statistics_name_the_layer_that_misses_them() -> None:
    message = r"layer 1, BatchNorm\(5\): running statistics must be updated before evaluation"
    with pytest.raises(StatisticsError, match=message):
        Network(layers()).forward(X, training=False)


def test_an_upstream_gradient_of_another_shape_is_refused() -> None:
    network = Network(layers())
    _, cache = network.forward(X, training=True)
    with pytest.raises(ShapeError, match=r"dy must have shape \(6, 3\), got \(6, 4\)"):
        network.backward(np.zeros((6, 4)), cache)


def test_the_same_layer_twice_is_refused() -> None:
    layer = ReLU()
    with pytest.raises(ArgumentError, match="layers must be objects of their own, got one of them"):
        Network([layer, layer])


def test_a_network_of_no_layers_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"layers must hold at least one layer, got \(\)"):
        Network([])


def test_what_is_no_layer_is_refused_by_its_place() -> None:
    wrong: Any = [ReLU(), "relu"]
    with pytest.raises(ArgumentError, match=r"layers\[1\] must be a normlab layer, got 'relu'"):
        Network(wrong)


def test_a_class_in_the_place_of_a_layer_is_refused() -> None:
    wrong: Any = [ReLU]
    with pytest.raises(ArgumentError, match=r"layers\[0\] must be a normlab layer, got <class"):
        Network(wrong)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (5, r"input_shape must be an Iterable, got int\. Of 784 features it is \(784,\)\."),
        ((28, 0), r"input_shape must be an integer of at least 1, got 0\."),
        ("ab", r"input_shape must be an integer of at least 1, got 'a'\."),
    ],
)
def test_what_is_no_shape_of_a_row_is_refused(shape: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{message}$"):
        Network([ReLU()], input_shape=shape)
    with pytest.raises(ArgumentError, match=f"^{message}$"):
        Network([ReLU()]).summary(shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_that_of_the_parameters(dtype: Any) -> None:
    assert Network(layers(dtype)).dtype == dtype


def test_dtype_without_parameters_is_float32() -> None:
    assert Network([ReLU()]).dtype == np.float32


def test_layers_cannot_be_appended() -> None:
    assert isinstance(Network([ReLU()]).layers, tuple)


def test_summary_tells_outputs_and_sizes() -> None:
    assert Network(layers()).summary() == (
        "   layer                    output  parameters  statistics\n"
        "----------------------------------------------------------\n"
        "0  Dense(4, 5, bias=False)  (5,)            20           0\n"
        "1  BatchNorm(5)             (5,)            10          11\n"
        "2  Tanh()                   (5,)             0           0\n"
        "3  Dense(5, 3)              (3,)            18           0\n"
        "----------------------------------------------------------\n"
        "   total                                    48          11"
    )


def test_summary_without_a_dense_start_asks_for_the_input_shape() -> None:
    network = Network([BatchNorm(3), nl.Flatten()])
    assert "?" in network.summary()
    assert "(8, 8, 3)" in network.summary((8, 8, 3))
    assert "(192,)" in network.summary((8, 8, 3))


def test_a_network_built_from_a_spec_knows_the_shape_of_its_images() -> None:
    spec = nl.CNNSpec(maps=(2,), hidden=(), kernel_size=3)
    network = nl.build_cnn(spec, rng=np.random.default_rng(0))
    assert "(28, 28, 2)" in network.summary()
    assert "(28, 28, 2)" in network._repr_html_()


def test_a_summary_names_the_layer_that_an_input_does_not_fit() -> None:
    with pytest.raises(nl.ShapeError, match=r"^layer 0, Dense\(4, 5, bias=False\): input_shape"):
        Network(layers()).summary((5,))


def test_repr_is_the_code_that_builds_the_network() -> None:
    network = Network([BatchNorm(3, scale=False), ReLU(), Sigmoid(), Dropout(0.25), nl.Flatten()])
    again = eval(repr(network), {"Network": Network} | vars(nl.layers))
    assert repr(again) == repr(network)
    assert [type(a) for a in again.layers] == [type(a) for a in network.layers]
    assert again.parameters.keys() == network.parameters.keys()


def test_repr_shows_a_layer_a_line() -> None:
    assert repr(Network(layers())) == (
        "Network([\n"
        "    Dense(4, 5, bias=False),\n"
        "    BatchNorm(5),\n"
        "    Tanh(),\n"
        "    Dense(5, 3),\n"
        "])"
    )


def test_a_notebook_shows_the_summary() -> None:
    html = Network(layers())._repr_html_()
    assert html.startswith("<table><thead>")
    assert html.count("<tr>") == 1 + len(layers()) + 1
    assert ">total</th>" in html
