import xml.etree.ElementTree as ET
from base64 import b64decode

from figures.made_up import GRADIENTS, KINDS, experiment, results
from normlab.report.pictures import caption, pictures

BAD = '<script>alert(1)</script>"&'


def test_texts_in_a_drawing_are_escaped() -> None:
    factors = {name: f.model_dump() for name, f in experiment().factors.items()}
    factors["weight_scale"] |= {"label": BAD, "symbol": BAD}
    for picture in pictures(results(experiment(title=BAD, question=BAD, factors=factors)), {}):
        drawing = b64decode(picture.source.partition(",")[2])
        tags = [element.tag for element in ET.fromstring(drawing).iter()]
        assert not any(tag.endswith("script") for tag in tags)


def test_every_kind_of_figure_has_a_caption() -> None:
    assert [caption(experiment(), spec) for spec in KINDS] == [
        "Training accuracy over training. Here, scale of weights w = 1",
        "Training accuracy over training, a panel for each level of scale of weights",
        "Training accuracy against scale of weights",
        "Training accuracy over scale of weights and batch normalization",
        "Outputs of ReLU 1 over training, a panel for each level of batch normalization."
        " Here, scale of weights w = 1",
        "Percentiles of the input of unit 0 of ReLU 1 over training, a panel for each level of"
        " batch normalization. Here, scale of weights w = 1",
        "Gradient norm by layer. Here, scale of weights w = 1",
    ]


def test_a_caption_says_that_it_shows_the_last_step() -> None:
    last = GRADIENTS.model_copy(update={"step": "last", "panels": "weight_scale"})
    assert caption(experiment(), last) == (
        "Gradient norm by layer at the last probed step, a panel for each level of scale of weights"
    )
