"""Pieces: one class a file, with its parameters, statistics, forward and backward."""

from normlab.layers.average_pool import AveragePool2D
from normlab.layers.base import Layer
from normlab.layers.batch_norm import BatchNorm
from normlab.layers.conv import Conv2D
from normlab.layers.dense import Dense
from normlab.layers.dropout import Dropout
from normlab.layers.flatten import Flatten
from normlab.layers.global_average_pool import GlobalAveragePool
from normlab.layers.max_pool import MaxPool2D
from normlab.layers.relu import ReLU
from normlab.layers.sigmoid import Sigmoid
from normlab.layers.tanh import Tanh

__all__ = [
    "AveragePool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "MaxPool2D",
    "ReLU",
    "Sigmoid",
    "Tanh",
]
