"""Parts of a file that do not fit together, named by their place."""

from pathlib import Path

import pytest

from lab.tiny import FIGURE, TINY, load
from normlab.errors import ExperimentError

CLAIM = """
[[claims]]
statement = "It helps."
about = "made up"
source = "nowhere"
response = "train_accuracy"
direction = "larger"
"""

STEPS = """
[responses.steps]
label = "steps to 0.5"
kind = "steps-to-reach"
quantity = "train_accuracy"
value = 0.5
"""

NORMS = """
[responses.norm]
label = "gradient norm"
kind = "first"
series = "gradient_norm"
"""

CELL = (
    CLAIM
    + 'compare = "value"\nvalue = 0.9\npublished = "96%"\n'
    + 'where = { weight_scale = 0.1, normalization = "batch" }\n'
)

PROBES = "\n[training.probes]\nnames = ['gradients']\n"


def mistakes(folder: Path, *parts: str) -> str:
    with pytest.raises(ExperimentError) as caught:
        load(folder, "".join([TINY, *parts]))
    return str(caught.value)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([CLAIM.replace("train_acc", "acc")], "claims.0.response: must be one of the responses"),
        ([CLAIM, 'where = {depth = 3}'], "claims.0.where: must be one of the factors"),
        ([CLAIM, "where = {weight_scale = 3}"], "claims.0.where.weight_scale: must be one of the"),
        ([CLAIM, 'where = {normalization = "batch"}'], "claims.0.where: must not name the factor"),
        (
            [CLAIM, 'factor = "normalization"\nbaseline = "none"\ntreatment = "layer"'],
            "claims.0.treatment: must be one of the levels ['none', 'batch'], got 'layer'",
        ),
        (
            [CLAIM, 'over = {factor = "normalization", reduce = "range"}'],
            "claims.0.over: must not name the factor that is compared",
        ),
        (
            [CLAIM, 'compare = "value"\nvalue = 1\nover = {factor = "normalization", reduce ='
             ' "largest", value = 0.5}'],
            "claims.0.over.factor: must have numbers as levels for 'largest'",
        ),
        ([CLAIM, "at_least = 3"], "claims.0.at_least: must be at most 2, the combinations, got 3"),
        (
            [CLAIM, "at_least = 2\nwhere = {weight_scale = [0.1]}"],
            "claims.0.at_least: must be at most 1, the combinations, got 2",
        ),
        (
            [CLAIM, 'at_least = 3\ncompare = "value"\nvalue = 1\nover = {factor = "weight_scale",'
             ' reduce = "max"}'],
            "claims.0.at_least: must be at most 2, the combinations, got 3",
        ),
        ([CLAIM, 'tolerance = "x"'], "claims.0.tolerance: must be a valid number, got 'x'"),
        ([CLAIM, "tolerence = 0.1"], "claims.0.tolerence: unknown key; did you mean 'tolerance'?"),
        ([CLAIM, "tolerance = 0.1"], "claims.0: must have a tolerance exactly where direction is"),
        ([STEPS.replace("train_", "tests_")], "responses.steps.quantity: must be one of the rec"),
        ([STEPS.replace("train_", "batch_")], "got 'batch_accuracy' with training.recording.batch"),
        (
            [STEPS.replace("train_", "test_")],
            "responses.steps.quantity: must be recorded always, got 'test_accuracy' with"
            " training.recording.test = 'last'",
        ),
        ([STEPS.replace(".steps", ".train_loss")], "responses.train_loss: must have a name"),
        ([STEPS.replace(".steps", ".replicate")], "neither built in nor another column of an"),
        ([STEPS.replace(".steps", ".weight_scale")], "neither a response nor another column of an"),
        ([NORMS], "responses.norm.series: must have 'gradients' in training.probes.names"),
        ([PROBES, NORMS, 'select = {unit = 3}'], "responses.norm.select: must be one of the axes"),
        ([PROBES, "first_step = 12"], "training.probes.first_step: must be at most 11, the last"),
        ([FIGURE, "at = {depth = 3}"], "figures.0.at: must be one of the factors"),
        ([FIGURE, "unit = 3"], "figures.0: must have no 'unit' where its kind is"),
        ([FIGURE.replace("train_accuracy", "diverged")], "recorded quantities, which have curves"),
        (
            ['\n[[figures]]\nkind = "histograms"\nfile = "h"\npanels = "normalization"\nlayer ='
             ' "ReLU 1"'],
            "figures.0.kind: must have 'histograms' in training.probes.names",
        ),
    ],
)  # fmt: skip
def test_a_part_that_does_not_fit_is_named_with_its_place_and_rule(
    parts: list[str], message: str, tmp_path: Path
) -> None:
    assert message in mistakes(tmp_path, *parts)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            CELL.replace('"value"\nvalue', '"difference"\nmargin'),
            "claims.0: must have compare 'value' and no over where it has published",
        ),
        (
            CELL + 'over = { factor = "weight_scale", reduce = "mean" }',
            "claims.0: must have compare 'value' and no over where it has published",
        ),
        (
            CELL.replace("= 0.1", "= [0.1]"),
            "claims.0: where.weight_scale: must be one level, not a list, where the claim has",
        ),
        (
            CELL.replace("weight_scale = 0.1, ", ""),
            "claims.0.where: must name a level of 'weight_scale' too, as the claim has published",
        ),
        (CELL.replace('"96%"', '""'), "claims.0.published: must have at least 1 character"),
        (CELL.replace('"96%"', "0.96"), "claims.0.published: must be a valid string, got 0.96"),
        (CELL + CELL, "claims.1.published: must not be of a cell that a claim before it is of"),
    ],
)
def test_a_published_value_that_is_of_no_one_cell_is_a_mistake(
    text: str, message: str, tmp_path: Path
) -> None:
    assert message in mistakes(tmp_path, text)


def test_published_values_of_other_cells_and_responses_fit(tmp_path: Path) -> None:
    other = CELL.replace("= 0.1", "= 0.01"), CELL.replace("accuracy", "loss")
    unprinted = CELL.replace('published = "96%"', "")
    claims = load(tmp_path, "".join([TINY, unprinted, CELL, *other])).claims
    assert [claim.published for claim in claims] == [None, "96%", "96%", "96%"]


def test_every_misfit_is_a_line_of_its_own(tmp_path: Path) -> None:
    text = CLAIM.replace("train_acc", "acc") + "where = {depth = 3}" + NORMS
    lines = mistakes(tmp_path, text).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("tiny.toml: ") for line in lines)


def test_what_fits_loads(tmp_path: Path) -> None:
    experiment = load(tmp_path, "".join([TINY, PROBES, STEPS, NORMS, CLAIM, FIGURE]))
    assert [*experiment.responses] == ["steps", "norm"]
    assert len(experiment.claims) == len(experiment.figures) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("margin = nan", "margin: must be a finite number, got nan"),
        ("margin = inf", "margin: must be a finite number, got inf"),
        ("compare = 'value'\nvalue = nan", "value: must be a finite number, got nan"),
        ("where = {weight_scale = []}", "weight_scale: must list levels that differ, one at least"),
        ("where = {weight_scale = [0.1, 0.1]}", "must list levels that differ, one at least, got"),
    ],
)
def test_a_number_or_a_list_that_decides_nothing_is_a_mistake(
    line: str, message: str, tmp_path: Path
) -> None:
    assert message in mistakes(tmp_path, CLAIM, line)
