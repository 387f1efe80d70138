"""Batch normalization against the stored numbers of PyTorch and ONNX."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.layers import BatchNorm

Array = NDArray[Any]

STORED = json.loads((Path(__file__).parent / "vectors/batch_norm.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = STORED["cases"]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
both_modes = pytest.mark.parametrize("mode", ["training", "evaluation"])


def array(case: dict[str, Any], name: str) -> Array:
    return np.array(case[name])


def updated(case: dict[str, Any], axis: int = 1) -> BatchNorm:
    """Return the layer of a case after its updates: with x, and of PyTorch then with 2 x."""
    gamma = array(case, "gamma")
    layer = BatchNorm(len(gamma), axis=axis, dtype="float64", **case["options"])
    layer.parameters["gamma"][...], layer.parameters["beta"][...] = gamma, array(case, "beta")
    for scale in (1, 2) if case["name"].startswith("pytorch") else (1,):
        x = scale * array(case, "x")
        _, cache = layer.forward(x if axis == 1 else np.moveaxis(x, 1, -1), training=True)
        layer.update_statistics(cache)
    return layer


def assert_is(found: Array, case: dict[str, Any], name: str) -> None:
    """At an offset of 1e6 the mean itself is known to 1e-10; ONNX keeps options in float32."""
    tolerance = 1e-9 if "offset" in case["name"] else 1e-12
    tolerance = 1e-6 if case["name"].startswith("onnx") else tolerance
    expected = array(case, f"expected {name}")
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_the_file_names_the_versions_it_was_made_with() -> None:
    assert set(STORED["made_with"]) == {"torch", "onnx"}


def test_the_file_is_small() -> None:
    assert (Path(__file__).parent / "vectors/batch_norm.json").stat().st_size < 100_000


@both_modes
@every_case
def test_output_is_the_stored_one(case: dict[str, Any], mode: str) -> None:
    y, _ = updated(case).forward(array(case, "x"), training=mode == "training")
    assert_is(y, case, f"{mode}_y")


@every_case
def test_output_with_features_last_is_the_stored_one(case: dict[str, Any]) -> None:
    x = np.moveaxis(array(case, "x"), 1, -1)
    y, _ = updated(case, axis=-1).forward(x, training=False)
    assert_is(np.moveaxis(y, -1, 1), case, "evaluation_y")


@every_case
def test_running_statistics_are_the_stored_ones(case: dict[str, Any]) -> None:
    layer = updated(case)
    assert_is(layer.running_mean, case, "running_mean")
    assert_is(layer.running_var, case, "running_var")


@both_modes
@pytest.mark.parametrize(
    "case", [case for case in CASES if "expected training_dx" in case], ids=lambda c: c["name"]
)
def test_gradients_are_the_stored_ones(case: dict[str, Any], mode: str) -> None:
    layer = updated(case)
    _, cache = layer.forward(array(case, "x"), training=mode == "training")
    dx, gradients = layer.backward(array(case, "dy"), cache)
    for name, gradient in {"x": dx, **gradients}.items():
        assert_is(gradient, case, f"{mode}_d{name}")
