import json
from dataclasses import FrozenInstanceError, asdict
from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError
from normlab.network import CNNSpec, MLPSpec


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


def test_specs_name_their_kind() -> None:
    assert (MLPSpec(sizes=(4, 3)).kind, CNNSpec().kind) == ("mlp", "cnn")
    with pytest.raises(ArgumentError, match="kind must be one of 'cnn', got 'mlp'"):
        CNNSpec(kind="mlp")  # type: ignore[arg-type]  # a typing error is the point


def test_specs_tell_the_shape_of_a_row_and_the_number_of_classes() -> None:
    mlp, cnn = MLPSpec(sizes=(4, 3)), CNNSpec(image_shape=(8, 9, 2), n_classes=5)
    assert (mlp.input_shape, mlp.n_classes) == ((4,), 3)
    assert (cnn.input_shape, cnn.n_classes) == ((8, 9, 2), 5)


def test_a_convolutional_spec_survives_json() -> None:
    spec = CNNSpec(
        image_shape=(9, 8, 3), maps=(2,), padding=1, hidden=(), gamma_init=0.1, truncated=True
    )
    assert CNNSpec(**json.loads(json.dumps(asdict(spec)))) == spec


def test_numbers_of_numpy_are_kept_as_plain_ones_in_a_convolutional_spec_too() -> None:
    numbers: dict[str, Any] = {
        "maps": np.array([2]),
        "image_shape": np.array([9, 8, 3]),
        "hidden": [np.int64(4)],
        "kernel_size": np.int64(3),
        "bias_init": np.float64(0.1),
        "beta_init": np.float32(0.5),
    }
    assert json.loads(json.dumps(asdict(CNNSpec(**numbers))))["hidden"] == [4]


def test_the_defaults_are_the_sizes_of_the_tutorial() -> None:
    assert CNNSpec().dense_sizes == (7 * 7 * 64, 1024, 10)


@pytest.mark.parametrize(
    ("options", "n_inputs"),
    [
        ({"padding": "valid"}, 4 * 4 * 64),  # 28, 24, 12, 8, 4
        ({"padding": 1, "kernel_size": 3}, 7 * 7 * 64),
        ({"pool_size": 3}, 3 * 3 * 64),  # 28, 9, 3
        ({"pool_size": 1, "maps": (8,)}, 28 * 28 * 8),
        ({"image_shape": (10, 20, 3), "maps": (5,)}, 5 * 10 * 5),
    ],
    ids=str,
)
def test_what_is_left_of_the_images_goes_into_the_dense_layers(
    options: dict[str, Any], n_inputs: int
) -> None:
    assert CNNSpec(**options).dense_sizes[0] == n_inputs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"image_shape": (28, 28)},
            r"image_shape must be height, width and channels, got \(28, 28",
        ),
        ({"image_shape": 28}, "image_shape must be an Iterable, got int. For example"),
        ({"maps": ()}, r"maps must name at least one convolution, got \(\)"),
        ({"maps": (32, 0)}, r"maps\[1\] must be an integer of at least 1, got 0"),
        ({"kernel_size": 2.5}, "kernel_size must be an integer of at least 1, got 2.5"),
        ({"padding": "sme"}, "padding must be one of .*Did you mean 'same'"),
        ({"padding": -1}, "padding must be .*, got -1"),
        ({"pool_size": 0}, "pool_size must be an integer of at least 1, got 0"),
        ({"hidden": (0,)}, r"hidden\[0\] must be an integer of at least 1, got 0"),
        ({"n_classes": 0}, "n_classes must be an integer of at least 1, got 0"),
        ({"gamma_init": "zeros"}, "gamma_init must be one of 'ones', got 'zeros'"),
        ({"gamma_init": -0.1}, "gamma_init must be a finite number at least 0, got -0.1"),
        ({"beta_init": "one"}, "beta_init must be one of 'zeros', got 'one'"),
        ({"bias_init": float("nan")}, "bias_init must be a finite number, got nan"),
        ({"truncated": 1}, "truncated must be True or False, got 1"),
        ({"dropout": 1.0}, "dropout must be a finite number at least 0 and below 1, got 1.0"),
        ({"activation": "rleu"}, "activation must be one of .*Did you mean 'relu'"),
        (
            {"image_shape": (28, 12, 1), "padding": "valid"},
            r"^kernel_size must fit into what is left of the images, 12 x 4, got 5\.$",
        ),
        ({"pool_size": 8}, "^pool_size must fit into what is left of the images, 3 x 3, got 8"),
    ],
    ids=str,
)
def test_wrong_values_of_a_convolutional_spec_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        CNNSpec(**options)
