"""The weight-scale sweep in plain float64 NumPy, in the style of from-scratch courses.

Layers are objects that keep what their backward pass needs; batch normalization keeps x - mean,
its deviation and x_hat; parameters and gradients are dictionaries that SGD walks through. Nothing
is compiled or reused, and a network that has diverged is trained on to the end.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.integer[Any]]


class LayerInStyle(Protocol):
    def forward(self, x: Array, training: bool) -> Array: ...

    def backward(self, dy: Array) -> Array: ...


class Affine:
    def __init__(self, weight: Array, bias: Array) -> None:
        self.weight = weight
        self.bias = bias

    def forward(self, x: Array, training: bool) -> Array:
        self.x = x
        y: Array = np.dot(x, self.weight) + self.bias
        return y

    def backward(self, dy: Array) -> Array:
        dx: Array = np.dot(dy, self.weight.T)
        self.d_weight = np.dot(self.x.T, dy)
        self.d_bias = np.sum(dy, axis=0)
        return dx


class Normalization:
    def __init__(self, gamma: Array, beta: Array) -> None:
        self.gamma = gamma
        self.beta = beta
        self.running_mean = np.zeros_like(gamma)
        self.running_var = np.zeros_like(gamma)

    def forward(self, x: Array, training: bool) -> Array:
        if not training:
            x_hat = (x - self.running_mean) / np.sqrt(self.running_var + 1e-6)
            return self._scaled(x_hat)
        mean = x.mean(axis=0)
        self.xc = x - mean
        var = np.mean(self.xc**2, axis=0)
        self.std = np.sqrt(var + 1e-6)
        self.x_hat = self.xc / self.std
        self.running_mean = 0.9 * self.running_mean + 0.1 * mean
        self.running_var = 0.9 * self.running_var + 0.1 * var
        return self._scaled(self.x_hat)

    def _scaled(self, x_hat: Array) -> Array:
        y: Array = self.gamma * x_hat + self.beta
        return y

    def backward(self, dy: Array) -> Array:
        n = len(dy)
        self.d_beta = dy.sum(axis=0)
        self.d_gamma = np.sum(self.x_hat * dy, axis=0)
        dx_hat = self.gamma * dy
        d_std = -np.sum(dx_hat * self.xc / (self.std * self.std), axis=0)
        d_var = 0.5 * d_std / self.std
        dxc = dx_hat / self.std + 2.0 / n * self.xc * d_var
        dx: Array = dxc - np.sum(dxc, axis=0) / n
        return dx


class Rectifier:
    def forward(self, x: Array, training: bool) -> Array:
        self.off = x <= 0
        y: Array = x.copy()
        y[self.off] = 0
        return y

    def backward(self, dy: Array) -> Array:
        dx = dy.copy()
        dx[self.off] = 0
        return dx


class SoftmaxWithLoss:
    def forward(self, x: Array, labels: Labels) -> float:
        shifted = x - np.max(x, axis=1, keepdims=True)
        self.p = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
        self.labels = labels
        chosen = self.p[np.arange(len(labels)), labels]
        return float(-np.sum(np.log(chosen + 1e-7)) / len(labels))

    def backward(self) -> Array:
        dx: Array = self.p.copy()
        dx[np.arange(len(dx)), self.labels] -= 1
        dx /= len(dx)
        return dx


class NetworkInStyle:
    def __init__(self, weights: list[Array], normalized: bool) -> None:
        self.params: dict[str, Array] = {}
        self.layers: dict[str, LayerInStyle] = {}
        for i, weight in enumerate(weights, start=1):
            bias = np.zeros(weight.shape[1])
            self.params[f"W{i}"], self.params[f"b{i}"] = weight, bias
            self.layers[f"affine{i}"] = Affine(weight, bias)
            if i == len(weights):
                break
            if normalized:
                gamma, beta = np.ones_like(bias), np.zeros_like(bias)
                self.params[f"gamma{i}"], self.params[f"beta{i}"] = gamma, beta
                self.layers[f"normalization{i}"] = Normalization(gamma, beta)
            self.layers[f"rectifier{i}"] = Rectifier()
        self.last = SoftmaxWithLoss()

    def predict(self, x: Array, training: bool) -> Array:
        for layer in self.layers.values():
            x = layer.forward(x, training)
        return x

    def accuracy(self, x: Array, labels: Labels) -> float:
        y = np.argmax(self.predict(x, training=False), axis=1)
        return float(np.sum(y == labels) / len(x))

    def gradient(self, x: Array, labels: Labels) -> dict[str, Array]:
        self.last.forward(self.predict(x, training=True), labels)
        dy = self.last.backward()
        for layer in reversed(list(self.layers.values())):
            dy = layer.backward(dy)
        grads: dict[str, Array] = {}
        for name, layer in self.layers.items():
            number = name.lstrip("abcdefghijklmnopqrstuvwxyz")
            if isinstance(layer, Affine):
                grads[f"W{number}"], grads[f"b{number}"] = layer.d_weight, layer.d_bias
            elif isinstance(layer, Normalization):
                grads[f"gamma{number}"], grads[f"beta{number}"] = layer.d_gamma, layer.d_beta
        return grads


def train(
    weights: list[Array],
    normalized: bool,
    x: Array,
    labels: Labels,
    batches: list[Labels],
    recorded: range,
) -> list[float]:
    """Return the accuracy on all of ``x`` at the recorded steps."""
    network, accuracies = NetworkInStyle(weights, normalized), []
    for step, rows in enumerate(batches, start=1):
        grads = network.gradient(x[rows], labels[rows])
        for name in network.params:
            network.params[name] -= 0.01 * grads[name]
        if step in recorded:
            accuracies.append(network.accuracy(x, labels))
    return accuracies
