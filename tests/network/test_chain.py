"""A network of dense layers, in one compiled call a pass, against its layers in turn."""

import copy
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from normlab._typing import FloatArray
from normlab.data import Dataset
from normlab.errors import ShapeError, StatisticsError
from normlab.kernels import chain_steps
from normlab.kernels.dense import FEWEST_ROWS
from normlab.kernels.threads import threads
from normlab.layers import BatchNorm, Dense, Dropout, Layer, ReLU, Sigmoid, Tanh
from normlab.network import Network
from normlab.network.chain import ChainCache, chain_of
from normlab.training import TrainingConfig, train

N_ROWS = 40


def dense(n_inputs: int, n_outputs: int, **options: Any) -> Dense:
    return Dense(n_inputs, n_outputs, rng=np.random.default_rng(n_inputs + n_outputs), **options)


def networks(dtype: str) -> dict[str, list[Layer[Any]]]:
    """Return layers by what they are an example of; each call makes the same anew."""
    options: dict[str, Any] = {"dtype": dtype}
    return {
        "one layer": [dense(30, 7, **options)],
        "no normalization": [dense(30, 20, **options), ReLU(), dense(20, 7, **options)],
        "a ReLU at the end": [dense(30, 7, **options), ReLU(), ReLU()],
        "normalization": [
            dense(30, 20, bias=False, **options),
            BatchNorm(20, **options),
            ReLU(),
            dense(20, 33, **options),
            BatchNorm(33, convention="keras", axis=1, **options),
            dense(33, 7, **options),
        ],
        "parts of normalization": [
            dense(30, 20, **options),
            BatchNorm(20, scale=False, decay=None, ddof=0, **options),
            ReLU(),
            BatchNorm(20, shift=False, eps=0.1, **options),
            BatchNorm(20, scale=False, shift=False, **options),
        ],
        "other activations": [
            dense(30, 20, **options),
            Sigmoid(),
            dense(20, 33, bias=False, **options),
            BatchNorm(33, **options),
            Tanh(),
            ReLU(),
            Tanh(),
            dense(33, 7, **options),
        ],
        "large weights": [dense(30, 1100, **options), ReLU(), dense(1100, 1000, **options)],
    }


NAMES = list(networks("float32"))
every_network = pytest.mark.parametrize("name", NAMES)
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def pair(layers: Sequence[Layer[Any]]) -> tuple[Network, Network]:
    """Return a network that is a chain, and an equal one whose layers run in turn."""
    network, in_turn = Network(layers), Network(copy.deepcopy(list(layers)))
    assert network._chain is not None
    in_turn._chain = None
    return network, in_turn


def rows(dtype: str, n: int = N_ROWS, n_features: int = 30) -> FloatArray:
    x: FloatArray = np.random.default_rng(n).standard_normal((n, n_features)).astype(dtype)
    x[:, ::4] = 0  # as pixels at the border are
    return x


def bits(arrays: dict[str, Any]) -> dict[str, bytes]:
    return {name: np.asarray(array).tobytes() for name, array in arrays.items()}


def everything(network: Network, x: FloatArray) -> dict[str, Any]:
    """Return all that passes give, one after the other."""
    found: dict[str, Any] = {}
    for i in range(2):
        y, cache = network.forward(x, training=True)
        dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
        dx, gradients = network.backward(dy, cache)
        alone = network.parameter_gradients(dy, cache)
        assert list(alone) == list(gradients)
        assert bits(alone) == bits(gradients)
        network.update_statistics(cache)
        found |= {f"{i} y": y, f"{i} dx": dx} | {f"{i} d {k}": g for k, g in gradients.items()}
    found |= {k: statistic.copy() for k, statistic in network.statistics.items()}
    return found | {"prediction": network.predict(x)}


@both_dtypes
@every_network
def test_it_gives_the_bits_of_the_layers_in_turn(name: str, dtype: str) -> None:
    network, in_turn = pair(networks(dtype)[name])
    x = rows(dtype)
    found, expected = everything(network, x), everything(in_turn, x)
    assert list(found) == list(expected)
    assert [k for k, b in bits(found).items() if b != bits(expected)[k]] == []
    assert {k: (a.dtype, a.shape) for k, a in found.items()} == {
        k: (a.dtype, a.shape) for k, a in expected.items()
    }


@pytest.mark.parametrize("layout", ["strided", "read-only", "Fortran"])
def test_rows_may_lie_as_they_like(layout: str) -> None:
    network, in_turn = pair(networks("float32")["normalization"])
    x = rows("float32", 2 * N_ROWS)[::2] if layout == "strided" else rows("float32")
    x = np.asfortranarray(x) if layout == "Fortran" else x
    x.flags.writeable = layout != "read-only"
    before = x.tobytes()
    assert bits(everything(network, x)) == bits(everything(in_turn, x))
    assert x.tobytes() == before


@pytest.mark.parametrize(("name", "n"), [("large weights", 300), ("normalization", 5000)])
def test_one_thread_and_two_give_the_same_bits(name: str, n: int) -> None:
    found = []
    for n_threads in (1, 2):
        with threads(n_threads):
            network = Network(networks("float32")[name])
            found.append(bits(everything(network, rows("float32", n))))
    assert found[0] == found[1]


@every_network
def test_caches_are_those_of_the_layers_in_turn(name: str) -> None:
    network, in_turn = pair(networks("float64")[name])
    x = rows("float64")
    (_, cache), (_, expected) = (n.forward(x, training=True) for n in (network, in_turn))
    assert isinstance(cache.layers, ChainCache)
    assert len(cache.layers) == len(expected.layers)
    outputs, _ = in_turn.forward_all(x, training=True)
    parts = zip(network.layers, cache.layers, expected.layers, outputs, strict=True)
    for layer, own, theirs, y in parts:
        assert type(own) is type(theirs)
        dx, gradients = layer.backward(np.cos(y), own)
        dx_expected, gradients_expected = layer.backward(np.cos(y), theirs)
        np.testing.assert_array_equal(dx, dx_expected)
        assert bits(gradients) == bits(gradients_expected)


def test_two_passes_under_way_do_not_disturb_each_other() -> None:
    network, _ = pair(networks("float32")["normalization"])
    x, dy = rows("float32"), np.ones((N_ROWS, 7), "float32")
    _, first = network.forward(x, training=True)
    expected = bits(network.parameter_gradients(dy, first))
    _, second = network.forward(2 * x[::-1] + 1, training=True)
    network.backward(dy, second)
    assert bits(network.parameter_gradients(dy, first)) == expected


def test_what_is_set_after_the_network_was_built_counts() -> None:
    network, in_turn = pair(networks("float32")["normalization"])
    for changed in (network, in_turn):
        norm = changed.layers[1]
        assert isinstance(norm, BatchNorm)
        norm.eps, norm.decay, norm.ddof, norm.gamma = 0.5, 0.25, 0, np.full(20, 3.0)
    x = rows("float32")
    assert bits(everything(network, x)) == bits(everything(in_turn, x))


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))]
)
def test_a_copy_computes_with_its_own_arrays(copied: Any) -> None:
    network = Network(networks("float32")["normalization"])
    x = rows("float32")
    other = copied(network)
    expected = bits(everything(other, x))
    for parameter in network.parameters.values():
        parameter[...] = np.nan
    again = copied(Network(networks("float32")["normalization"]))
    assert bits(everything(again, x)) == expected
    assert np.isfinite(other.forward(x, training=True)[0]).all()


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [ReLU(), dense(3, 3)],
        [dense(3, 3), Dropout(0.5)],
        [dense(3, 3), dense(4, 3)],
        [dense(3, 3), BatchNorm(4)],
        [dense(3, 3), BatchNorm(3, axis=0)],
        [dense(3, 3), BatchNorm(3, dtype="float64")],
        [dense(3, 3), BatchNorm(3, scale=False, shift=False, dtype="float64")],
        [dense(3, 3), type("Other", (ReLU,), {})()],
    ],
)
def test_it_takes_no_other_layers(layers: list[Layer[Any]]) -> None:
    assert chain_of(layers) is None


@pytest.mark.parametrize(
    "x", [rows("float64"), rows("float32", FEWEST_ROWS - 1), rows("float32")[None]]
)
def test_other_input_goes_layer_by_layer(x: FloatArray) -> None:
    network, _ = pair(networks("float32")["no normalization"])
    if x.ndim == 2:
        y, cache = network.forward(x, training=True)
        assert isinstance(cache.layers, tuple)
        assert y.dtype == x.dtype
    else:
        with pytest.raises(ShapeError, match=r"^layer 0, Dense"):
            network.forward(x, training=True)


def test_an_upstream_gradient_that_does_not_fit_is_refused_as_by_the_layer() -> None:
    network, _ = pair(networks("float32")["no normalization"])
    _, cache = network.forward(rows("float32"), training=True)
    with pytest.raises(ShapeError, match=r"^layer 2, Dense.*dy must have shape \(40, 7\)"):
        network.backward(np.ones((3, 7), "float32"), cache)


def test_without_statistics_the_normalization_is_named() -> None:
    network, _ = pair(networks("float32")["normalization"])
    with pytest.raises(StatisticsError, match=r"^layer 1, BatchNorm"):
        network.predict(rows("float32"))


def test_nan_passes_through() -> None:
    network, _ = pair(networks("float32")["no normalization"])
    x = rows("float32")
    x[3, 5] = np.nan
    y, _ = network.forward(x, training=True)
    assert np.isnan(y[3]).all()
    assert np.isfinite(np.delete(y, 3, 0)).all()


@both_dtypes
def test_shares_compile_what_trainings_call(dtype: str) -> None:
    """Types stated by hand: were one wrong, a training would compile all once more."""
    network = Network(networks(dtype)["normalization"])
    for share in (0, 1):
        network.compile_share(share)
    x, y = (rows(dtype) > 0).astype(dtype), np.arange(N_ROWS) % 7
    config = TrainingConfig(steps=2, batch_size=20)
    train(network, Dataset(x, y, x, y), config, rng=np.random.default_rng(0))
    for function in (chain_steps.take_steps, chain_steps.measure):
        dispatcher: Any = function
        work = dispatcher.py_func.__code__.co_varnames.index("work")
        dtypes = [str(signature[work].dtype) for signature in dispatcher.signatures]
        assert dtypes.count(dtype) == 1
