"""The stored vectors are what their script makes today."""

import json
from typing import Any

import numpy as np

from vectors import make_vectors


def numbers(case: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in case.items() if isinstance(value, list)}


def test_the_script_makes_the_stored_numbers() -> None:
    stored = json.loads(make_vectors.PATH.read_text("utf-8"))["cases"]
    made = json.loads(make_vectors.written(make_vectors.vectors()))["cases"]
    assert [case["name"] for case in made] == [case["name"] for case in stored]
    for ours, theirs in zip(made, stored, strict=True):
        assert ours.keys() == theirs.keys()
        assert ours["options"] == theirs["options"]
        for key, values in numbers(ours).items():
            # Another machine may sum in another order.
            np.testing.assert_allclose(values, theirs[key], rtol=1e-10, atol=1e-10, err_msg=key)


def test_the_stored_inputs_are_exactly_those_of_the_script() -> None:
    stored = json.loads(make_vectors.PATH.read_text("utf-8"))["cases"]
    made = json.loads(make_vectors.written(make_vectors.vectors()))["cases"]
    for ours, theirs in zip(made, stored, strict=True):
        for key in ("x", "dy", "gamma", "beta"):
            assert ours[key] == theirs[key]
