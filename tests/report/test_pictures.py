import xml.etree.ElementTree as ET
from base64 import b64decode

from figures.made_up import experiment, results
from normlab.report.pictures import caption, pictures

BAD = '<script>alert(1)</script>"&'


def test_texts_in_a_drawing_are_escaped() -> None:
    factors = {name: f.model_dump() for name, f in experiment().factors.items()}
    factors["weight_scale"] |= {"label": BAD, "symbol": BAD}
    for picture in pictures(results(experiment(title=BAD, question=BAD, factors=factors))):
        drawing = b64decode(picture.source.partition(",")[2])
        tags = [element.tag for element in ET.fromstring(drawing).iter()]
        assert not any(tag.endswith("script") for tag in tags)


def test_every_kind_of_figure_has_a_caption() -> None:
    spec = experiment().figures[0]
    changes = {"x": "weight_scale", "y": "normalization", "layer": "ReLU 1"}
    found = {
        kind: caption(experiment(), spec.model_copy(update=changes | {"kind": kind}))
        for kind in ("learning-curves", "heat-map", "histograms", "percentile-bands")
    }
    assert found == {
        "learning-curves": "Training accuracy over training",
        "heat-map": "Training accuracy over scale of weights and batch normalization",
        "histograms": "Outputs of ReLU 1 over training",
        "percentile-bands": "Percentiles of the input of unit 0 of ReLU 1 over training",
    }
