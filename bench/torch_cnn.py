"""The same convolutional network in eager PyTorch, in either memory layout."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.cnn import LEARNING_RATE, images, numbers
from normlab.network import CNNSpec, build_cnn

LAYOUTS = {
    "PyTorch, contiguous": torch.contiguous_format,
    "PyTorch, channels_last": torch.channels_last,
}

EVALUATION_ROWS = 500
"""The fastest of 50, 100, 200, 500 and 1,000 on one thread, the second on two."""

Array = NDArray[np.float32]


class TorchTrainer:
    """The usual step, with what is fastest: activations in place, Adam in its fused form."""

    def __init__(self, spec: CNNSpec, layout: torch.memory_format) -> None:
        self.network = build(spec).to(memory_format=layout)
        self.layout, self.loss = layout, nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE, fused=True)
        data = images()
        self.x_train, self.x_test = self._laid_out(data.x_train), self._laid_out(data.x_test)
        self.y_train, self.y_test = torch.tensor(data.y_train), torch.tensor(data.y_test)
        self.rows = numbers()

    def step(self) -> float:
        rows = torch.from_numpy(next(self.rows))
        loss = self.loss(self.network(self.x_train[rows]), self.y_train[rows])
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        value: float = loss.item()
        return value

    def evaluate(self, n_images: int) -> float:
        right, loss = 0, 0.0
        self.network.eval()
        with torch.no_grad():
            for start in range(0, n_images, EVALUATION_ROWS):
                rows = slice(start, start + EVALUATION_ROWS)
                y, labels = self.network(self.x_test[rows]), self.y_test[rows]
                loss += self.loss(y, labels).item() * len(y)
                right += int((y.argmax(dim=1) == labels).sum())
        self.network.train()
        return right / n_images

    def _laid_out(self, x: Array) -> torch.Tensor:
        # With one channel every array has both layouts, and PyTorch goes by the strides.
        values = torch.tensor(x).permute(0, 3, 1, 2)
        return torch.empty(values.shape, memory_format=self.layout).copy_(values)


def build(spec: CNNSpec) -> Any:
    """Build the network of ``spec``, which is the tutorial's, from the weights of ``build_cnn``."""
    normalized = spec.normalization == "batch"

    def activation(n_features: int, norm: type[nn.Module]) -> list[nn.Module]:
        return [*([norm(n_features)] if normalized else []), nn.ReLU(inplace=True)]

    network = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2, bias=not normalized),
        *activation(32, nn.BatchNorm2d),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2, bias=not normalized),
        *activation(64, nn.BatchNorm2d),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(7 * 7 * 64, 1024, bias=not normalized),
        *activation(1024, nn.BatchNorm1d),
        nn.Dropout(spec.dropout),
        nn.Linear(1024, 10),
    )
    ours = build_cnn(spec, rng=np.random.default_rng(0)).parameters.values()
    with torch.no_grad():
        for theirs, own in zip(network.parameters(), ours, strict=True):
            theirs.copy_(torch.from_numpy(_in_torch_order(own)))
    return network


def _in_torch_order(parameter: Any) -> Array:
    """Return a parameter with outputs first; PyTorch flattens maps one after the other."""
    if parameter.shape == (7 * 7 * 64, 1024):
        parameter = parameter.reshape(7 * 7, 64, 1024).swapaxes(0, 1).reshape(7 * 7 * 64, 1024)
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[parameter.ndim]
    turned: Array = np.ascontiguousarray(parameter.transpose(order))
    return turned
