"""Arrays that layers hold: assigning writes into them."""

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from normlab.errors import ArgumentError, ShapeError
from normlab.layers import BatchNorm, Dense
from normlab.training import SGD


def test_assigning_keeps_the_array_and_takes_the_values() -> None:
    layer = BatchNorm(3)
    held = layer.gamma
    layer.gamma = np.array([1.0, 2.0, 3.0])
    assert layer.gamma is held
    np.testing.assert_array_equal(layer.parameters["gamma"], [1, 2, 3])


def test_assigning_another_shape_is_refused_with_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"running_mean must have shape \(3,\), got \(1,\)\."):
        BatchNorm(3).running_mean = np.zeros(1)


def test_assigning_to_a_parameter_that_is_switched_off_is_refused() -> None:
    layer = BatchNorm(3, scale=False)
    with pytest.raises(ArgumentError, match=r"gamma must stay None: BatchNorm\(3, scale=False\)"):
        layer.gamma = np.ones(3)


def test_an_optimizer_goes_on_after_a_weight_was_assigned() -> None:
    layer, optimizer = Dense(2, 1, weight_init=0), SGD(learning_rate=1.0)
    gradients = {"weight": np.ones((2, 1), np.float32), "bias": np.zeros(1, np.float32)}
    optimizer.step(layer.parameters, gradients)
    layer.weight = np.full((2, 1), 5, np.float32)
    optimizer.step(layer.parameters, gradients)
    np.testing.assert_array_equal(layer.weight, [[4], [4]])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_holds_arrays_of_its_own(again: Callable[[BatchNorm], BatchNorm]) -> None:
    layer = BatchNorm(3)
    other = again(layer)
    other.gamma = np.zeros(3)
    np.testing.assert_array_equal(layer.gamma, [1, 1, 1])
