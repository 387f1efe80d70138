"""Twin of ``kernels.activations``: one number at a time, with ``math``; slopes in terms of x."""

import math


def relu(x: float) -> float:
    return x if x > 0 else 0.0


def relu_slope(x: float) -> float:
    return 1.0 if x > 0 else 0.0


def sigmoid(x: float) -> float:
    # Each side of 0 by the form whose exponential does not overflow.
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def sigmoid_slope(x: float) -> float:
    return math.exp(-abs(x)) / (1 + math.exp(-abs(x))) ** 2


def tanh(x: float) -> float:
    return math.tanh(x)


def tanh_slope(x: float) -> float:
    return (2 / (math.exp(x) + math.exp(-x))) ** 2
