"""``normlab new``: the file that it writes is an experiment, and runs as it is."""

import errno
import os
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from cli.shell import Said, say_here
from normlab import lab
from normlab.lab import Experiment
from normlab.lab.figure_spec import FigureKind
from normlab.lab.starter import starter


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cwd = tmp_path_factory.mktemp("new")
    said = say_here("new", "my.toml", cwd=cwd)
    assert said == (0, "my.toml\n", "Run it with: normlab run my.toml\n")
    return cwd


def test_its_name_is_quoted_where_a_shell_needs_that(tmp_path: Path) -> None:
    _, _, words = say_here("new", "my own.toml", cwd=tmp_path)
    assert words == "Run it with: normlab run 'my own.toml'\n"
    shown = say_here("show", "my own.toml", "--no-estimate", cwd=tmp_path).out
    assert shown.endswith("Run them with: normlab run 'my own.toml'\n")


@pytest.fixture(scope="module")
def experiment(cwd: Path) -> Experiment:
    return lab.load(cwd / "my.toml")


@pytest.fixture(scope="module")
def finished(cwd: Path) -> Said:
    return say_here("run", "my.toml", "--workers", 1, cwd=cwd)


def test_it_runs_as_it_is(finished: Said) -> None:
    assert finished.code == 0
    assert "diverged, " not in finished.err


def test_its_claims_are_decided(finished: Said) -> None:
    assert len(re.findall("supported|contradicted", finished.out)) == 2


def test_its_quick_setting_is_one(cwd: Path, experiment: Experiment) -> None:
    assert lab.load(cwd / "my.toml", quick=True).n_trials < experiment.n_trials


def test_every_part_of_an_experiment_is_in_it(experiment: Experiment) -> None:
    left_out = {"published", "data_digest", "setting"}
    assert {*Experiment.model_fields} - {*tomllib.loads(starter())} == left_out


def test_every_kind_of_figure_is_named_in_it() -> None:
    assert [kind for kind in get_args(FigureKind) if f'"{kind}"' not in starter()] == []


def test_what_is_commented_out_is_right_too(tmp_path: Path) -> None:
    """Each alternative in the place of what it is one to."""
    text = starter()
    for old, new in [
        ("logspace = {", "# logspace = {"),
        ("# linspace = ", "linspace = "),
        ("# dropout", "dropout"),
        ("# weight_decay", "weight_decay"),
        ("# batch = ", "batch = "),
        ("    # { name", "    { name"),
        ("# margin", "margin"),
        ("# at_least", "at_least"),
        ("# [[figures]]", "[[figures]]"),
        ('# kind = "gradient-norms"', 'kind = "gradient-norms"'),
        ("# file = ", "file = "),
        ("# lines = ", "lines = "),
        ("# panels = ", "panels = "),
    ]:
        assert text.count(old) >= 1
        text = text.replace(old, new)
    path = tmp_path / "other.toml"
    path.write_text(text)
    other = lab.load(path)
    assert len(other.levels["normalization"]) == 3
    assert [figure.kind for figure in other.figures][-1] == "gradient-norms"


def test_a_file_that_cannot_be_written_whole_is_not_left_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    said = say_here("new", "my.toml", cwd=tmp_path)
    assert said.code == 2
    assert "my.toml: cannot be written: No space left on device" in said.err
    assert [*tmp_path.iterdir()] == []
