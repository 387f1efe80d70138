"""ONNX's own cases for BatchNormalization, and its reference evaluator on more of them."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx.backend.test.case import node as node_cases
from onnx.backend.test.case.node import batch_normalization
from onnx.reference import ReferenceEvaluator

from normlab.layers import BatchNorm

Array = NDArray[Any]

PUBLISHED = [case for case in node_cases._NodeTestCases if case.name.startswith("test_batchnorm_")]


def layer_of(node: Any, inputs: list[Array]) -> BatchNorm:
    """Return the layer that an ONNX node with these inputs describes."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    _, scale, bias, mean, var = inputs
    layer = BatchNorm(
        len(scale),
        axis=1,
        convention="onnx",
        eps=attributes.get("epsilon"),
        decay=attributes.get("momentum", "convention"),
        dtype=scale.dtype,
    )
    layer.parameters["gamma"][...], layer.parameters["beta"][...] = scale, bias
    layer.running_mean[...], layer.running_var[...] = mean, var
    return layer


def run(layer: BatchNorm, x: Array, n_outputs: int) -> list[Array]:
    """Return y and, of a node in training mode, the new running statistics."""
    if n_outputs == 1:
        return [layer.forward(x, training=False)[0]]
    y, cache = layer.forward(x, training=True)
    layer.update_statistics(cache)
    return [y, layer.running_mean, layer.running_var]


def test_the_published_cases_are_the_four_of_training_and_inference() -> None:
    assert batch_normalization.BatchNormalization is not None
    assert [case.name for case in PUBLISHED] == [
        "test_batchnorm_example",
        "test_batchnorm_epsilon",
        "test_batchnorm_example_training_mode",
        "test_batchnorm_epsilon_training_mode",
    ]


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case.name)
def test_a_published_case_holds(case: Any) -> None:
    ((inputs, expected),) = case.data_sets
    found = run(layer_of(case.model.graph.node[0], inputs), inputs[0], len(expected))
    for ours, theirs in zip(found, expected, strict=True):
        # Their float32 arithmetic, not ours, sets the tolerance; they allow a thousandth.
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.25}, {"epsilon": 0.1, "momentum": 1.0}])
@pytest.mark.parametrize("shape", [(2, 1), (5, 4), (3, 2, 6), (2, 3, 4, 5), (2, 2, 3, 2, 3)])
def test_float64_is_what_the_reference_evaluator_gives(
    shape: tuple[int, ...], options: dict[str, Any], training: bool
) -> None:
    names = ["x", "scale", "bias", "mean", "var"]
    outputs = ["y", "new_mean", "new_var"] if training else ["y"]
    node = onnx.helper.make_node(
        "BatchNormalization", names, outputs, training_mode=int(training), **options
    )
    rng = np.random.default_rng(sum(shape))
    inputs = [rng.standard_normal(shape), *rng.uniform(0.5, 2, (4, shape[1]))]
    expected = ReferenceEvaluator(node).run(None, dict(zip(names, inputs, strict=True)))
    found = run(layer_of(node, inputs), inputs[0], len(outputs))
    for ours, theirs in zip(found, expected, strict=True):
        # ONNX keeps epsilon and momentum in float32.
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
