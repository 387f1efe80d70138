"""PyTorch in float64: twenty steps of every optimizer, and of a whole network."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from normlab.layers import BatchNorm, Dense, ReLU
from normlab.network import Network
from normlab.training import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    SoftmaxCrossEntropy,
)
from normlab.training.objective import objective

Array = NDArray[Any]
STEPS = 20

# normlab's optimizer, and PyTorch's: of its parameters named weight, and of the others.
TorchOptimizer = Callable[[list[torch.Tensor], list[torch.Tensor]], torch.optim.Optimizer]
CASES: dict[str, tuple[Callable[[], Optimizer], TorchOptimizer]] = {
    "SGD": (lambda: SGD(0.1), lambda w, o: torch.optim.SGD(w + o, lr=0.1)),
    "Momentum": (
        lambda: Momentum(0.1, momentum=0.8),
        lambda w, o: torch.optim.SGD(w + o, lr=0.1, momentum=0.8),
    ),
    "Nesterov": (
        lambda: Nesterov(0.1, momentum=0.8),
        lambda w, o: torch.optim.SGD(w + o, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "AdaGrad": (lambda: AdaGrad(0.1), lambda w, o: torch.optim.Adagrad(w + o, lr=0.1, eps=1e-10)),
    "RMSProp": (
        lambda: RMSProp(0.1, rho=0.85),
        lambda w, o: torch.optim.RMSprop(w + o, lr=0.1, alpha=0.85, eps=1e-8),
    ),
    "Adam": (
        lambda: Adam(0.1, beta1=0.8, beta2=0.95),
        lambda w, o: torch.optim.Adam(w + o, lr=0.1, betas=(0.8, 0.95)),
    ),
    "AdamW": (
        lambda: AdamW(0.1, weight_decay=0.3),
        lambda w, o: torch.optim.AdamW(
            [{"params": w, "weight_decay": 0.3}, {"params": o, "weight_decay": 0.0}], lr=0.1
        ),
    ),
}

every_optimizer = pytest.mark.parametrize("name", CASES)


def assert_same(ours: Array, theirs: torch.Tensor, name: str) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-9, atol=1e-10, err_msg=name)


@every_optimizer
def test_twenty_steps_along_given_gradients_are_pytorch_s(name: str) -> None:
    rng = np.random.default_rng(1)
    parameters: dict[str, Array] = {
        "0.weight": rng.standard_normal((4, 3)),
        "0.bias": rng.standard_normal(3),
    }
    weight, bias = (torch.from_numpy(p.copy()).requires_grad_() for p in parameters.values())
    ours, theirs = CASES[name][0](), CASES[name][1]([weight], [bias])
    for _ in range(STEPS):
        gradients: dict[str, Array] = {
            n: rng.standard_normal(p.shape) for n, p in parameters.items()
        }
        ours.step(parameters, gradients)
        weight.grad, bias.grad = (torch.from_numpy(g) for g in gradients.values())
        theirs.step()
        assert_same(parameters["0.weight"], weight, "weight")
        assert_same(parameters["0.bias"], bias, "bias")


def train_both(
    network: Network, twin: Any, optimizer: Optimizer, theirs: Any
) -> Iterator[tuple[float, float]]:
    """Train both on the same batches, and yield the two losses of each step."""
    rng, loss = np.random.default_rng(4), SoftmaxCrossEntropy()
    for _ in range(STEPS):
        x, labels = rng.standard_normal((32, 8)), rng.integers(5, size=32)
        result = objective(network, loss, x, labels)
        optimizer.step(network.parameters, result.gradients)
        network.update_statistics(result.cache)
        theirs.zero_grad()
        value = torch.nn.functional.cross_entropy(
            twin(torch.from_numpy(x)), torch.from_numpy(labels)
        )
        torch.autograd.backward(value)
        theirs.step()
        yield result.value, value.item()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (SGD(), torch.optim.SGD),
        (Adam(), torch.optim.Adam),
        (AdamW(), torch.optim.AdamW),
        (AdaGrad(), torch.optim.Adagrad),
        (RMSProp(), torch.optim.RMSprop),
    ],
)
def test_defaults_that_we_state_to_share_are_pytorch_s(ours: Any, theirs: Any) -> None:
    options = theirs([torch.zeros(1)]).defaults
    shared = {"eps": "eps", "weight_decay": "weight_decay"}
    found = {name: getattr(ours, name) for name in shared if hasattr(ours, name)}
    assert found == {name: options[name] for name in found}
    if isinstance(ours, Adam):
        assert ((ours.beta1, ours.beta2), ours.learning_rate) == (options["betas"], options["lr"])


def both_networks() -> tuple[Network, torch.nn.Sequential]:
    """Return 8-16-12-5 with batch normalization before each ReLU, twice with the same numbers."""
    rng = np.random.default_rng(3)
    layers: list[Any] = []
    modules: list[torch.nn.Module] = []
    for n_inputs, n_outputs in ((8, 16), (16, 12)):
        layers += [Dense(n_inputs, n_outputs, rng=rng, dtype="float64")]
        layers += [BatchNorm(n_outputs, convention="pytorch", dtype="float64"), ReLU()]
        modules += [torch.nn.Linear(n_inputs, n_outputs), torch.nn.BatchNorm1d(n_outputs)]
        modules += [torch.nn.ReLU()]
    network = Network([*layers, Dense(12, 5, rng=rng, dtype="float64")])
    twin = torch.nn.Sequential(*modules, torch.nn.Linear(12, 5)).double()
    for name, p in network.parameters.items():
        p += 0.1 * rng.standard_normal(p.shape)
        twin_of(twin, name).data = torch.from_numpy(oriented(p).copy())
    return network, twin


def oriented(p: Array) -> Array:
    """Transpose a weight: PyTorch keeps (outputs, inputs)."""
    return p.T if p.ndim == 2 else p


def twin_of(twin: torch.nn.Sequential, name: str) -> Any:
    layer, _, own = name.partition(".")
    return getattr(twin[int(layer)], {"gamma": "weight", "beta": "bias"}.get(own, own))


def weights_and_others(network: Network, twin: Any) -> tuple[list[Any], list[Any]]:
    names = list(network.parameters)
    weights = [name for name in names if name.endswith("weight")]
    others = [name for name in names if name not in weights]
    return [twin_of(twin, name) for name in weights], [twin_of(twin, name) for name in others]


@every_optimizer
def test_a_network_trained_twenty_steps_is_pytorch_s(name: str) -> None:
    network, twin = both_networks()
    optimizer = CASES[name][0]()
    theirs = CASES[name][1](*weights_and_others(network, twin))
    # The bias before a normalization has a gradient of rounding only, which Adam and its kin
    # divide by its own size: its value is noise in both, and in evaluation without effect.
    compared = [n for n in network.parameters if n not in ("0.bias", "3.bias")]
    for ours, their_loss in train_both(network, twin, optimizer, theirs):
        assert ours == pytest.approx(their_loss, rel=1e-9)
    for key in compared:
        assert_same(oriented(network.parameters[key]), twin_of(twin, key), key)


def test_running_statistics_and_evaluation_after_training_are_pytorch_s() -> None:
    network, twin = both_networks()
    optimizer, theirs = SGD(0.1), torch.optim.SGD(twin.parameters(), lr=0.1)
    list(train_both(network, twin, optimizer, theirs))
    for name in ("1.running_mean", "1.running_var", "4.running_mean", "4.running_var"):
        assert_same(network.statistics[name], twin_of(twin, name), name)
    x = np.random.default_rng(5).standard_normal((7, 8))
    expected = twin.eval()(torch.from_numpy(x))
    assert_same(network.forward(x, training=False)[0], expected, "evaluation")
