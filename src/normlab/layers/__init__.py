"""Pieces: one class a file, with its parameters, statistics, forward and backward."""

from normlab.layers.base import Layer
from normlab.layers.batch_norm import BatchNorm
from normlab.layers.dense import Dense
from normlab.layers.dropout import Dropout
from normlab.layers.flatten import Flatten
from normlab.layers.relu import ReLU
from normlab.layers.sigmoid import Sigmoid
from normlab.layers.tanh import Tanh

__all__ = ["BatchNorm", "Dense", "Dropout", "Flatten", "Layer", "ReLU", "Sigmoid", "Tanh"]
