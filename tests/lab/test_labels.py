"""Layers and other labels that a file names, and its trainings do not have."""

from pathlib import Path

import pytest

from lab.tiny import TINY, load
from normlab.errors import ExperimentError

PROBES = """
[training.probes]
names = ["units", "gradients"]
percentiles = [15, 50]
units = 3
"""

BANDS = """
[[figures]]
kind = "percentile-bands"
file = "bands"
panels = "normalization"
layer = "{}"
unit = {}
"""

CNN = TINY.replace(
    'sizes = [784, 10, 10]\nactivation = "relu"', 'kind = "cnn"\nmaps = [2, 2]\nhidden = [5]'
)


def response(series: str, select: str) -> str:
    return f"""
[responses.probed]
label = "what a probe saw"
kind = "mean"
series = "{series}"
select = {{ {select} }}
"""


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            BANDS.format("Relu 1", 0),
            "figures.0.layer: must be one of BatchNorm 1, Dense 1 to 2, ReLU 1, got 'Relu 1'",
        ),
        (BANDS.format("ReLU", 0), "figures.0.layer: must be one of BatchNorm 1, Dense 1 to 2, R"),
        (BANDS.format("ReLU 1", 3), "figures.0.unit: must be one of 0 to 2, got 3"),
        (
            response("unit_percentiles", 'layer = ["ReLU 1", "ReLU 2"]'),
            "responses.probed.select.layer: must be one of BatchNorm 1, Dense 1 to 2, ReLU 1, got"
            " 'ReLU 2'",
        ),
        (
            response("unit_percentiles", "percentile = 85"),
            "responses.probed.select.percentile: must be one of [15.0, 50.0], got 85.0",
        ),
        (
            response("parameter_gradient_norm", 'parameter = "0.weights"'),
            "responses.probed.select.parameter: must be one of ['0.weight', '0.bias',",
        ),
    ],
)
def test_a_label_that_no_training_has_is_a_mistake(text: str, mistake: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, TINY + PROBES + text)
    assert mistake in str(caught.value)
    assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    "text",
    [
        BANDS.format("ReLU 1", 2),
        BANDS.format("BatchNorm 1", 0),  # of one level of two
        response("unit_percentiles", 'layer = "ReLU", percentile = 50, unit = [0, 2]'),
        response("parameter_gradient_norm", 'parameter = "1.gamma"'),
    ],
)
def test_labels_that_some_training_has_fit(text: str, tmp_path: Path) -> None:
    assert load(tmp_path, TINY + PROBES + text).name == "tiny"


def test_where_no_percentile_is_recorded_none_fits(tmp_path: Path) -> None:
    text = TINY + PROBES.replace("[15, 50]", "[]")
    with pytest.raises(ExperimentError, match=r"percentile: must be one of \[\], got 50.0"):
        load(tmp_path, text + response("unit_percentiles", "percentile = 50"))


def test_convolutional_networks_have_their_layers(tmp_path: Path) -> None:
    text = CNN + PROBES + BANDS
    assert load(tmp_path, text.format("ReLU 3", 0)).figures[0].layer == "ReLU 3"
    with pytest.raises(ExperimentError, match=r"Conv2D 1 to 2, .*MaxPool2D 1 to 2, ReLU 1 to 3"):
        load(tmp_path, text.format("ReLU 4", 0))


def test_a_setting_may_take_a_layer_away(tmp_path: Path) -> None:
    text = TINY + PROBES + BANDS.format("ReLU 1", 0)
    assert load(tmp_path, text, {"network.sizes": [784, 10]}).network.kind == "mlp"
    with pytest.raises(ExperimentError, match="ReLU 2"):
        load(tmp_path, text.replace("ReLU 1", "ReLU 2"), {"training.steps": 20})
