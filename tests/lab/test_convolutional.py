"""Convolutional networks in the laboratory: what they are told, given, and measured by."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.tiny import CNN, edited, load
from normlab import lab
from normlab.errors import ExperimentError
from normlab.lab import tables
from normlab.lab.config import TrialConfig
from normlab.lab.estimate import estimate
from normlab.lab.factors import Levels
from normlab.lab.identity import identity, trial_id
from normlab.lab.trial import compile_kernels, load_data, run_trial
from normlab.network import CNNSpec, MLPSpec

MAPS, KERNEL, GAMMA = "maps = [2]", "kernel_size = 3", "'network.gamma_init'"

MISTAKES = {
    (MAPS, "mapps = [2]"): "network.mapps: unknown key; did you mean 'maps'?",
    (MAPS, "sizes = [784, 10]"): "network.sizes: unknown key; known where kind = 'mlp'",
    (MAPS, "colour = 1"): "network.colour: unknown key; known: kind, image_shape, maps",
    ('"cnn"', '"cn"'): "network.kind: must be one of 'mlp', 'cnn', got 'cn'",
    ('"cnn"', "3"): "network.kind: must be one of 'mlp', 'cnn', got 3",
    ('"cnn"', "[]"): "network.kind: must be one of 'mlp', 'cnn', got []",
    (MAPS, "maps = 2"): "network.maps: must be a list, got 2",
    (MAPS, "maps = []"): "network: maps must name at least one convolution, got ()",
    (KERNEL, "kernel_size = 3.0"): "network.kernel_size: must be a valid integer, got 3.0",
    (
        KERNEL,
        'padding = "no"',
    ): "network.padding: must be 'same' or 'valid' or a valid integer, got",
    ('"relu"', '"rely"'): "network.activation: must be 'relu', 'sigmoid' or 'tanh', got 'rely'",
    (KERNEL, "bias_init = true"): "network.bias_init: must be a valid number, got True",
    (KERNEL, "dropout = 1"): "network: dropout must be a finite number at least 0 and below 1",
    (KERNEL, 'kernel_size = 29\npadding = "valid"'): (
        "network: kernel_size must fit into what is left of the images, 28 x 28, got 29."
    ),
    (KERNEL, "pool_size = 29"): (
        "network: pool_size must fit into what is left of the images, 28 x 28, got 29."
    ),
    (KERNEL, "image_shape = [28, 28, 3]"): (
        "network.image_shape: must be (28, 28, 1), as in the data, got (28, 28, 3)"
    ),
    (KERNEL, "n_classes = 9"): "network.n_classes: must be 10, as in the data, got 9",
    ("hidden = [4]", "hidden = [1000000000]"): (
        "network: must make at most 1000000000 weights, got 402000000018"
    ),
    (f"{{{GAMMA} = 0.1}}", "{'network.gama_init' = 0.1}"): (
        "field: network.gama_init: unknown key; did you mean 'gamma_init'?"
    ),
    (f"{{{GAMMA} = 0.1}}", f"{{{GAMMA} = 'one'}}"): (
        "factors, with initial_gamma = drawn: network.gamma_init: must be 'ones' or a valid number"
    ),
    (
        "batch_size = 20",
        "batch_size = 1",
    ): "batch_size: must be at least 2 with batch normalization",
}


def config(folder: Path, text: str = CNN, **levels: Any) -> TrialConfig:
    """The trial at these levels of the small convolutional experiment."""
    first = {"initial_gamma": "1", "normalization": "batch"}
    return load(folder, text).resolve(first | levels, 0)


@pytest.mark.parametrize(("change", "message"), MISTAKES.items())
def test_a_mistake_is_named_with_file_place_and_rule(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, edited(*change, text=CNN))
    lines = str(caught.value).splitlines()
    assert any(message in line for line in lines), lines
    assert not any("tag" in line or "union" in line for line in lines)


def test_a_forgotten_kind_is_told_from_the_keys(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, edited('kind = "cnn"\n', "", text=CNN))
    assert str(caught.value).splitlines() == [
        *(
            f"tiny.toml: network.{key}: unknown key; known where kind = 'cnn'"
            for key in ("maps", "kernel_size", "hidden")
        ),
        "tiny.toml: network.sizes: is missing",
    ]


def test_a_kind_that_there_is_not_is_the_only_mistake_of_its_table(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, edited('"cnn"', '"rnn"', text=CNN))
    assert len(str(caught.value).splitlines()) == 1


def test_the_kind_says_which_spec_a_file_is_read_as(tmp_path: Path) -> None:
    assert load(tmp_path, CNN).network == CNNSpec(maps=(2,), kernel_size=3, hidden=(4,))
    named = edited("sizes =", 'kind = "mlp"\nsizes =')
    assert isinstance(load(tmp_path, named).network, MLPSpec)


def test_a_convolutional_network_is_given_images_and_a_perceptron_rows(tmp_path: Path) -> None:
    images = load_data(config(tmp_path))
    rows = load_data(load(tmp_path).resolve({"weight_scale": 0.1, "normalization": "none"}, 0))
    assert (images.x_train.shape, images.x_test.shape) == ((60, 28, 28, 1), (100, 28, 28, 1))
    assert rows.x_train.shape == (200, 784)
    np.testing.assert_array_equal(images.x_test[:].reshape(100, -1), rows.x_test[:])


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "squared_error"])
def test_a_convolutional_trial_trains_and_gives_the_same_bits_twice(
    loss: str, tmp_path: Path
) -> None:
    settings = {"training.loss": loss, "network.dropout": 0.2, "training.steps": 21}
    levels: Levels = {"initial_gamma": "1", "normalization": "batch"}
    trial = load(tmp_path, CNN, settings).resolve(levels, 0)
    compile_kernels([trial])
    result = run_trial(trial)
    assert result.history.train_loss[-1] < result.history.train_loss[0]
    assert run_trial(trial) == result


def test_a_run_is_stored_read_and_reported_like_any_other(tmp_path: Path) -> None:
    ran = lab.run(load(tmp_path, CNN), tmp_path / "out", n_workers=1)
    stored = lab.read(tmp_path / "out")
    assert stored.experiment.network == ran.experiment.network
    assert stored.to_csv() == ran.to_csv()
    again = lab.load(tmp_path / "out" / "experiment.json")
    assert again.network == ran.experiment.network
    assert lab.changes(again, tmp_path / "out") == []


def test_the_time_of_convolutional_trainings_is_estimated(tmp_path: Path) -> None:
    found = estimate(load(tmp_path, CNN), n_workers=1)
    assert 0 < found.seconds_per_trial < 5
    assert found.seconds == pytest.approx(6 * found.seconds_per_trial)


def test_the_set_up_shows_every_field_of_the_network(tmp_path: Path) -> None:
    shown = {row[0]: row[1] for row in tables.set_up(load(tmp_path, CNN)).rows}
    assert shown["network.kind"] == "cnn"
    assert shown["network.image_shape"] == "28, 28, 1"
    assert shown["network.maps"] == "2"
    assert "network.gamma_init" not in shown  # which varies


def test_the_name_of_a_convolutional_trial_stays_as_it_was(tmp_path: Path) -> None:
    # Another name means that nobody's stored trials are found again.
    assert identity(config(tmp_path))["network"] == {
        "kind": "cnn",
        "maps": (2,),
        "kernel_size": 3,
        "hidden": (4,),
        "normalization": "batch",
    }
    assert trial_id(config(tmp_path)) == "41dfae0a80c74b5a24d8"


IDLE: list[dict[str, Any]] = [
    {"placement": "after"},
    {"convention": "keras"},
    {"scale": False},
    {"shift": False},
    {"gamma_init": 0.1},
    {"beta_init": 0.1},
    {"bias_before_normalization": True},
]


@pytest.mark.parametrize("fields", IDLE, ids=str)
def test_a_field_that_does_nothing_makes_no_other_trial(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    settings = {f"network.{name}": value for name, value in fields.items()}
    text = CNN.replace("network.gamma_init", "network.bias_init").replace("'ones'", "0.2")
    one, other = (load(tmp_path, text, s) for s in ({}, settings))
    for normalization, same in (("none", True), ("batch", False)):
        levels: Levels = {"initial_gamma": "1", "normalization": normalization}
        names = [trial_id(e.resolve(levels, 0)) for e in (one, other)]
        assert (names[0] == names[1]) == same


@pytest.mark.parametrize("fields", [f for f in IDLE if not {"gamma_init", "beta_init"} & {*f}])
def test_names_of_perceptrons_stay_however_little_a_field_does(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    settings = {f"network.{name}": value for name, value in fields.items()}
    levels: Levels = {"weight_scale": 0.1, "normalization": "none"}
    one, other = (load(tmp_path, settings=s).resolve(levels, 0) for s in ({}, settings))
    assert trial_id(one) != trial_id(other)


def test_the_names_of_perceptrons_do_not_say_their_kind(tmp_path: Path) -> None:
    levels: Levels = {"weight_scale": 0.1, "normalization": "none"}
    assert "kind" not in identity(load(tmp_path).resolve(levels, 0))["network"]


def test_a_run_of_before_there_were_kinds_has_no_other_set_up(tmp_path: Path) -> None:
    lab.run(load(tmp_path), tmp_path / "out", n_workers=1)
    path = tmp_path / "out" / "experiment.json"
    tree = json.loads(path.read_text())
    assert tree["experiment"]["network"].pop("kind") == "mlp"
    path.write_text(json.dumps(tree))
    assert lab.changes(load(tmp_path), tmp_path / "out") == []
    assert len(lab.read(tmp_path / "out").trials) == 8


@pytest.mark.parametrize("shape", [[28, 28], [], [28, 28, 1, 1]])
def test_an_image_shape_of_another_length_is_named(shape: list[int]) -> None:
    with pytest.raises(ExperimentError, match=r"image_shape must be height, width and channels"):
        lab.load("cnn-learning-rate", {"network.image_shape": shape})
