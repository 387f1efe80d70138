"""A whole network in the published from-scratch style, derived again in plain NumPy.

Dense layers with biases, between each hidden one and its ReLU a batch normalization (or none),
softmax with cross-entropy, SGD. The published choices: eps 10e-7, decay 0.9, a running variance
that is biased and starts at 0. Parameters bear the names that a normlab network gives them.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EPS, DECAY = 10e-7, 0.9


class BookNetwork:
    def __init__(self, sizes: tuple[int, ...], *, normalized: bool, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.normalized = normalized
        self.parameters: dict[str, Array] = {}
        self.running: dict[str, Array] = {}
        self.dense: list[str] = []
        position = 0
        for n_inputs, n_outputs in pairwise(sizes):
            name = str(position)
            self.parameters[f"{name}.weight"] = 0.5 * draw.standard_normal((n_inputs, n_outputs))
            self.parameters[f"{name}.bias"] = 0.1 * draw.standard_normal(n_outputs)
            self.dense.append(name)
            if normalized and len(self.dense) < len(sizes) - 1:
                self._add_normalization(str(position + 1), n_outputs)
            position += 3 if normalized else 2

    def _add_normalization(self, name: str, n_features: int) -> None:
        self.parameters[f"{name}.gamma"] = np.ones(n_features)
        self.parameters[f"{name}.beta"] = np.zeros(n_features)
        self.running[f"{name}.running_mean"] = np.zeros(n_features)
        self.running[f"{name}.running_var"] = np.zeros(n_features)

    def predict(self, x: Array) -> Array:
        """Return the outputs in evaluation mode."""
        p = self.parameters
        for name in self.dense:
            x = x.dot(p[f"{name}.weight"]) + p[f"{name}.bias"]
            if name == self.dense[-1]:
                break
            if self.normalized:
                bn = str(int(name) + 1)
                x = x - self.running[f"{bn}.running_mean"]
                x = x / np.sqrt(self.running[f"{bn}.running_var"] + EPS)
                x = p[f"{bn}.gamma"] * x + p[f"{bn}.beta"]
            x = np.where(x > 0, x, 0)
        return x

    def loss_and_gradients(self, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        """Return the batch's loss and all gradients, and move the running statistics."""
        kept, y = self._forward(x)
        n = len(x)
        probability = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
        loss = -np.log(probability[np.arange(n), labels]).sum() / n
        one_hot = np.eye(y.shape[1])[labels]
        return float(loss), self._backward((probability - one_hot) / n, kept)

    def train_step(self, x: Array, labels: Array, learning_rate: float) -> float:
        """Take one step of SGD and return the loss before it."""
        loss, gradients = self.loss_and_gradients(x, labels)
        for name in self.parameters:
            self.parameters[name] = self.parameters[name] - learning_rate * gradients[name]
        return loss

    def _forward(self, x: Array) -> tuple[dict[str, Array], Array]:
        p, kept = self.parameters, {}
        for name in self.dense:
            kept[f"{name}.x"] = x
            x = x.dot(p[f"{name}.weight"]) + p[f"{name}.bias"]
            if name == self.dense[-1]:
                break
            if self.normalized:
                bn = str(int(name) + 1)
                mean = x.mean(axis=0)
                centered = x - mean
                var = (centered**2).mean(axis=0)
                self._move(f"{bn}.running_mean", mean)
                self._move(f"{bn}.running_var", var)
                kept[f"{bn}.centered"], kept[f"{bn}.std"] = centered, np.sqrt(var + EPS)
                x = p[f"{bn}.gamma"] * (centered / kept[f"{bn}.std"]) + p[f"{bn}.beta"]
            kept[f"{name}.active"] = x > 0
            x = x * kept[f"{name}.active"]
        return kept, x

    def _backward(self, d: Array, kept: dict[str, Array]) -> dict[str, Array]:
        gradients: dict[str, Array] = {}
        for name in reversed(self.dense):
            if name != self.dense[-1]:
                d = d * kept[f"{name}.active"]
                if self.normalized:
                    d = self._backward_normalization(str(int(name) + 1), d, kept, gradients)
            gradients[f"{name}.weight"] = kept[f"{name}.x"].T.dot(d)
            gradients[f"{name}.bias"] = d.sum(axis=0)
            d = d.dot(self.parameters[f"{name}.weight"].T)
        return gradients

    def _backward_normalization(
        self, name: str, d: Array, kept: dict[str, Array], gradients: dict[str, Array]
    ) -> Array:
        centered, std = kept[f"{name}.centered"], kept[f"{name}.std"]
        n = len(d)
        gradients[f"{name}.beta"] = d.sum(axis=0)
        gradients[f"{name}.gamma"] = (d * centered / std).sum(axis=0)
        d_normalized = d * self.parameters[f"{name}.gamma"]
        d_std = -(d_normalized * centered / std**2).sum(axis=0)
        d_centered = d_normalized / std + d_std * centered / (n * std)
        dx: Array = d_centered - d_centered.sum(axis=0) / n
        return dx

    def _move(self, name: str, new: Array) -> None:
        self.running[name] = DECAY * self.running[name] + (1 - DECAY) * new
