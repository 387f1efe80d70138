"""Twins of ``kernels.updates``: one number and all gradients of its life in, its last value out.

Each follows the recursion of its source from the first step, with no state but plain floats.
"""

from collections.abc import Sequence
from math import sqrt


def sgd(p: float, gradients: Sequence[float], lr: float) -> float:
    for g in gradients:
        p = p - lr * g
    return p


def momentum(p: float, gradients: Sequence[float], lr: float, mu: float) -> float:
    v = 0.0
    for g in gradients:
        v = mu * v - lr * g
        p = p + v
    return p


def nesterov(p: float, gradients: Sequence[float], lr: float, mu: float) -> float:
    v = 0.0
    for g in gradients:
        # Take back the old look-ahead, step, and look ahead again: g belongs to p = theta + mu v.
        theta = p - mu * v
        v = mu * v - lr * g
        theta = theta + v
        p = theta + mu * v
    return p


def adagrad(p: float, gradients: Sequence[float], lr: float, eps: float) -> float:
    for t in range(len(gradients)):
        h = sum(g**2 for g in gradients[: t + 1])
        p = p - lr * gradients[t] / (sqrt(h) + eps)
    return p


def rmsprop(p: float, gradients: Sequence[float], lr: float, new: float, eps: float) -> float:
    for t in range(len(gradients)):
        h = sum(new * (1 - new) ** (t - s) * gradients[s] ** 2 for s in range(t + 1))
        p = p - lr * gradients[t] / (sqrt(h) + eps)
    return p


def adam(
    p: float,
    gradients: Sequence[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float = 0.0,
) -> float:
    """Adam, and with ``weight_decay`` AdamW: the moments as the weighted means they stand for."""
    for t in range(1, len(gradients) + 1):
        past = gradients[:t]
        m = sum((1 - beta1) * beta1 ** (t - 1 - s) * g for s, g in enumerate(past))
        v = sum((1 - beta2) * beta2 ** (t - 1 - s) * g**2 for s, g in enumerate(past))
        p = p - lr * weight_decay * p
        p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)
    return p
