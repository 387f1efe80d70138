import json
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.network import MLPSpec


def test_spec_survives_json() -> None:
    spec = MLPSpec(sizes=(784, 100, 10), normalization="batch", dropout=0.2, weight_init=0.01)
    assert MLPSpec(**json.loads(json.dumps(asdict(spec)))) == spec


def test_a_named_initializer_survives_json() -> None:
    spec = MLPSpec(sizes=(4, 3), weight_init="xavier")
    assert MLPSpec(**json.loads(json.dumps(asdict(spec)))) == spec


def test_sizes_of_a_list_become_a_tuple() -> None:
    sizes: Any = [4, 3]
    assert MLPSpec(sizes=sizes).sizes == (4, 3)


def test_equal_specs_are_equal_keys() -> None:
    assert len({MLPSpec(sizes=(4, 3)), MLPSpec(sizes=(4, 3))}) == 1


def test_spec_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        MLPSpec(sizes=(4, 3)).dropout = 0.5  # type: ignore[misc]  # frozen is the point


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": (4,)}, r"sizes must name at least the inputs and the outputs, got \(4,\)"),
        ({"sizes": (4, 0, 3)}, r"sizes\[1\] must be an integer of at least 1, got 0"),
        ({"sizes": (4, 2.5)}, r"sizes\[1\] must be an integer of at least 1, got 2.5"),
        ({"activation": "rleu"}, "activation must be one of .*Did you mean 'relu'"),
        ({"normalization": True}, "normalization must be one of 'none', 'batch', got True"),
        ({"normalization": "bacth"}, "normalization must be one of .*Did you mean 'batch'"),
        ({"placement": "behind"}, "placement must be one of 'before', 'after', got 'behind'"),
        ({"convention": "torch"}, "convention must be one of .*Did you mean 'pytorch'"),
        ({"scale": 0}, "scale must be True or False, got 0"),
        ({"shift": None}, "shift must be True or False, got None"),
        ({"dropout": 1.0}, "dropout must be a finite number at least 0 and below 1, got 1.0"),
        ({"weight_init": "hee"}, "weight_init must be one of .*Did you mean 'he'"),
        ({"weight_init": -0.1}, "weight_init must be a finite number at least 0, got -0.1"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64', got 'float16'"),
    ],
    ids=str,
)
def test_wrong_values_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        MLPSpec(**({"sizes": (4, 3)} | options))


def test_numbers_of_numpy_are_kept_as_plain_ones() -> None:
    sizes: Any = np.array([4, 2])
    spec = MLPSpec(sizes=sizes, weight_init=float(np.float32(0.5)), dropout=np.float64(0.1))
    assert json.loads(json.dumps(asdict(spec)))["sizes"] == [4, 2]
