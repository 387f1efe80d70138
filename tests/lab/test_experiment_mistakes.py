"""Every mistake in a user's file is one line: the file, the place, the rule."""

import re
from pathlib import Path
from typing import Any

import pytest

from lab.tiny import FIGURE, TINY, edited, load
from normlab import lab
from normlab.errors import ExperimentError

SCALES = "levels = [0.1, 0.01]"
NORMALIZATIONS = 'levels = ["none", "batch"]'
SIZES = "[784, 10, 10]"

MISTAKES = {
    # unknown keys, at every depth
    ("seed = 0", "sede = 0"): "sede: unknown key; did you mean 'seed'?",
    ("activation =", "activaton ="): "network.activaton: unknown key; did you mean 'activation'?",
    ("every =", "evry ="): "training.recording.evry: unknown key; did you mean 'every'?",
    (SCALES, f"{SCALES}\nlabl = 'a'"): "factors.weight_scale.labl: unknown key; did you mean",
    ("seed = 0", "colour = 1"): "colour: unknown key; known: name, title",
    (SCALES, "logspace = {start = 0, stop = 1, num = 2, nun = 2}"): "logspace.nun: unknown key",
    # wrong types
    ("= 0.1", '= "fast"'): "training.learning_rate: must be a valid number, got 'fast'",
    ("= 0.1\n", '= "0.1"\n'): "training.learning_rate: must be a valid number, got '0.1'",
    ("= 0.1\n", "= true\n"): "training.learning_rate: must be a valid number, got True",
    ("steps = 11", "steps = 11.0"): "training.steps: must be a valid integer, got 11.0",
    ("= true", "= 1"): "training.replacement: must be a valid boolean, got 1",
    ("replicates = 2", 'replicates = "2"'): "replicates: must be a valid integer, got '2'",
    (SIZES, '"784"'): "network.sizes: must be a list, got '784'",
    (SIZES, "[784, 9.5, 10]"): "network.sizes.1: must be a valid integer, got 9.5",
    ("[training.recording]", "[[training.recording]]"): "training.recording: must be a table",
    ('"batch"\nresponse', "[1]\nresponse"): "contrast.treatment: must be a valid boolean or",
    # impossible values
    ("= 0.1\n", "= -1\n"): "training: learning_rate must be a finite number above 0, got -1.0",
    ("= 0.1\n", "= nan\n"): "training: learning_rate must be a finite number above 0, got nan",
    ('"relu"', '"relu"\ndropout = 1.5'): "network: dropout must be a finite number at least 0",
    ('"relu"', '"rely"'): "network.activation: must be 'relu', 'sigmoid' or 'tanh', got 'rely'",
    (SIZES, "[]"): "network: sizes must name at least the inputs and the outputs, got ()",
    ("steps = 11", "steps = 0"): "training: steps must be an integer of at least 1, got 0",
    ("steps = 11", ""): "training: steps or epochs must be given, one of the two",
    ("steps = 11", "steps = 11\nepochs = 2"): "got steps=11 and epochs=2",
    ("replicates = 2", "replicates = 0"): "replicates: must be greater than or equal to 1, got 0",
    ("seed = 0", "seed = -1"): "seed: must be greater than or equal to 0, got -1",
    ("= 200", "= 0"): "data.n_train: must be greater than or equal to 1, got 0",
    ('"tiny"', '"My Run"'): "name: must match pattern",
    (SIZES, "[784, 1000000000000, 10]"): "sizes: must make at most 1000000000 weights, got 7940",
    ("steps = 11", "steps = 1000000000000000"): "training: must take at most 1000000000 steps, got",
    ("steps = 11\n", "steps = 9000000\n"): "recording: must record at most 1000000 times, got 180",
    ("[factors.weight", "[training.probes]\nbins = 10001\n[factors.weight"): (
        "training.probes.bins: must be at most 10000, got 10001"
    ),
    ('"tiny"', f'"{"a" * 101}"'): "name: must have at most 100 characters, got 'aaa",
    ("steps = 11", "steps = 11\noptimizer_options = {mu = 1}"): "must be arguments of 'sgd'",
    ('"Does it run?"', '"Does it \\u001b run?"'): "question: must have no control characters, got",
    # missing parts
    ("[network]", "[netwrk]"): "network: is missing",
    ('question = "Does it run?"', ""): "question: is missing",
    ('factor = "normalization"', ""): "contrast.factor: is missing",
    # factors
    (SCALES, ""): "factors.weight_scale: must have exactly one of levels, linspace and logspace",
    (SCALES, f"{SCALES}\nlinspace = {{start = 0, stop = 1, num = 2}}"): "exactly one of levels",
    (SCALES, "levels = []"): "exactly one of levels",
    (SCALES, "levels = [0.1, 0.1]"): "weight_scale: must have levels that differ, got (0.1, 0.1)",
    (SCALES, "levels = [1, 1.0]"): "factors.weight_scale: must have levels that differ",
    (SCALES, "levels = [nan]"): "factors.weight_scale: must have finite levels",
    (SCALES, "logspace = {start = 0, stop = 999, num = 2}"): "must have finite levels",
    (SCALES, "levels = 3"): "factors.weight_scale.levels: must be a list, got 3",
    (SCALES, "linspace = {start = 0, stop = 1, num = 1}"): "num: must be greater than or equal",
    (SCALES, "levels = [0.1, -1.0]"): "factors, with weight_scale = -1.0: network: weight_init",
    (NORMALIZATIONS, 'levels = ["none", "batch", "leyer"]'): "normalization = leyer: network.norm",
    ("network.weight_init", "network.weigth_init"): (
        "factors.weight_scale.field: network.weigth_init: unknown key; did you mean 'weight_init'?"
    ),
    ('"network.weight_init"', '"seed"'): "weight_scale.field: seed: unknown key",
    ('"network.weight_init"', '"replicate"'): "weight_scale.field: replicate: unknown key",
    ('"network.weight_init"', '""'): "weight_scale.field: must be one field, such as network",
    (
        '"network.weight_init"',
        '"network"',
    ): "weight_scale.field: must be one field, such as network",
    (
        SCALES,
        "linspace = {start = nan, stop = 1, num = 3}",
    ): "start: must be a finite number, got nan",
    (SCALES, "linspace = {start = -1e308, stop = 1e308, num = 3}"): "must have finite levels",
    (f'field = "network.weight_init"\n{SCALES}', "levels = [{name = 'a', set = {}}]"): (
        "levels.0.set: must have at least 1 item, got {}"
    ),
    ('"network.weight_init"', '"network.normalization"'): "field: must not be another factor's",
    ("[factors.weight_scale]", "[factors.step]"): "factors: must have names of letters",
    ("[factors.weight_scale]", '[factors."a b"]'): "factors: must have names of letters",
    (
        "[factors.weight_scale]",
        "[factors.value]",
    ): "another column of an exported table has, got 'value'",
    (
        "[factors.weight_scale]",
        "[factors.diverged]",
    ): "that neither a response nor another column of",
    # contrast
    ('factor = "norm', 'factor = "morn'): "contrast.factor: must be one of the factors",
    ('treatment = "batch"', 'treatment = "bach"'): (
        "contrast.treatment: must be one of the levels ['none', 'batch'], got 'bach'"
    ),
    ('treatment = "batch"', 'treatment = "none"'): "contrast.treatment: must not be the baseline",
    ('"train_accuracy"', '"accuracy"'): "contrast.response: must be one of the responses",
    ('test = "last"', 'train = "never"'): (
        "contrast.response: must be recorded,"
        " got 'train_accuracy' with training.recording.train = 'never'"
    ),
    ("seed = 0", 'published = "no.csv"'): "published: must be a file beside it, got 'no.csv'",
    # parts that do not fit together
    (SIZES, "[783, 10, 10]"): "network.sizes: must begin with 784, the pixels an image, got 783",
    (SIZES, "[784, 10, 9]"): "network.sizes: must end with 10, the classes, got 9",
    ("= 200", "= 60001"): "data.n_train: must be at most 60000, the images there are, got 60001",
    ("= 100", "= 10001"): "data.n_test: must be at most 10000, the images there are, got 10001",
    ("= 200", '= 200\ndirectory = "no"'): "/no must be a folder of IDX files",
    ("= 20\nreplacement = true", "= 201"): "training.batch_size: must be at most 200",
    ("= 20\n", "= 1\n"): "with normalization = batch: training.batch_size: must be at least 2",
    ("first_step = 1", "first_step = 12"): "first_step: must be at most 11, the last step, got 12",
}


def mistakes(folder: Path, text: str | bytes, settings: dict[str, Any] | None = None) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        load(folder, text, settings)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("change", "message"), MISTAKES.items())
def test_a_mistake_is_named_with_file_place_and_rule(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    lines = mistakes(tmp_path, edited(*change))
    assert all(line.startswith("tiny.toml: ") for line in lines)
    assert any(message in line for line in lines)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('lines = "norm', 'lines = "morn'), "figures.0.lines: must be one of the factors"),
        (('panels = "weight_scale"', ""), "figures.0: must have 'panels' where its"),
        (('"panels"', '"../panels"'), "figures.0.file: must match pattern"),
        (('"small-multiples"', '"bars"'), "figures.0.kind: must be 'learning-curves'"),
        (('panels = "weight_scale"', 'panels = "normalization"'), "must name different factors"),
    ],
)
def test_a_mistake_in_a_figure_is_named(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    assert message in mistakes(tmp_path, TINY + edited(*change, text=FIGURE))[0]


def test_two_figures_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    [line] = mistakes(tmp_path, TINY + 2 * FIGURE)
    assert line == "tiny.toml: figures.1.file: must not be another figure's, got 'panels'"


def test_a_figure_of_what_is_never_recorded_is_a_mistake(tmp_path: Path) -> None:
    text = edited('"last"', '"never"') + edited("train_accuracy", "test_loss", text=FIGURE)
    assert "figures.0.response: must be recorded" in mistakes(tmp_path, text)[0]


def test_no_factors_are_a_mistake(tmp_path: Path) -> None:
    text = re.sub(r"\[factors\.\w+\]\nfield.*\nlevels.*\n", "", TINY) + "[factors]\n"
    assert "tiny.toml: factors: must name one factor at least, got none" in mistakes(tmp_path, text)


def test_several_mistakes_are_reported_together(tmp_path: Path) -> None:
    text = edited("= 0.1\n", "= -1\n", text=edited("activation", "activaton"))
    lines = mistakes(tmp_path, edited("replicates = 2", "replicates = 0", text=text))
    assert [line.split(":")[1].strip() for line in lines] == [
        "network.activaton",
        "replicates",
        "training",
    ]


def test_a_mistake_of_all_combinations_is_reported_once(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, edited(SIZES, "[783, 10, 10]"))) == 1


@pytest.mark.parametrize("text", [TINY + "[oops", TINY + "factor = 3", "= 3"])
def test_bad_syntax_is_named_with_its_place(text: str, tmp_path: Path) -> None:
    [line] = mistakes(tmp_path, text)
    assert re.search(r"tiny\.toml: is not a readable TOML file: .* \(at ", line)


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    [line] = mistakes(tmp_path, TINY.replace("tiny e", "\xe9 e").encode("latin-1"))
    assert "is not a readable TOML file: 'utf-8' codec can't decode" in line


def test_the_mark_that_windows_puts_first_is_no_mistake(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + TINY.encode()).name == "tiny"


def test_a_folder_is_no_experiment(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(ExperimentError, match=r"folder\.toml: no such file"):
        lab.load(str(tmp_path / "folder.toml"))


def test_of_very_many_mistakes_the_first_ones_are_told(tmp_path: Path) -> None:
    lines = mistakes(tmp_path, edited(SCALES, "linspace = {start = -2, stop = -1, num = 100}"))
    assert len(lines) == 21
    assert lines[-1] == "tiny.toml: and 80 more mistakes"


def test_a_grid_without_end_is_refused_at_once(tmp_path: Path) -> None:
    many = "linspace = {start = 0.1, stop = 1, num = 1000}"
    text = edited(
        "[contrast]", f"[factors.rate]\nfield = 'training.learning_rate'\n{many}\n[contrast]"
    )
    assert mistakes(tmp_path, edited(SCALES, many, text)) == [
        "tiny.toml: factors: must make at most 10000 combinations of levels, got 2000000"
    ]


def test_replicates_without_end_are_refused_at_once(tmp_path: Path) -> None:
    assert mistakes(tmp_path, edited("replicates = 2", "replicates = 1000000000")) == [
        "tiny.toml: replicates: must be at most 25000, for 100000 trials, got 1000000000"
    ]


def test_a_field_within_the_table_that_another_factor_sets_is_a_mistake(tmp_path: Path) -> None:
    more = "[factors.rate]\nfield = 'network.normalization.x'\nlevels = [1, 2]\n[contrast]"
    [one, other] = mistakes(tmp_path, edited("[contrast]", more))[:2]
    assert "normalization.field: must not be another factor's" in one
    assert "rate.field: must not be another factor's" in other


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a = " + "{a = " * 5000, ".".join("a" * 3000) + " = 1"]
)
def test_tables_in_tables_without_end_are_a_mistake(text: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, text) == ["tiny.toml: must have fewer tables in tables."]


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    [line] = mistakes(tmp_path, TINY + "# ...\n" * 200_000)
    assert "must have at most 1000000 bytes, got 1200" in line


def test_a_path_that_no_file_can_have_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="no such file"):
        lab.load(str(tmp_path / f"{'a' * 300}.toml"))
    with pytest.raises(ExperimentError, match="There is no experiment"):
        lab.load("a" * 300)
