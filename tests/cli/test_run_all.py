import json
import re
from pathlib import Path
from unittest.mock import patch

import pytest

from cli.shell import Said, say_here
from lab.tiny import CLAIM, FIGURE, TINY, edited

NAMES = ("first", "second", "third")


def run_all(cwd: Path, *options: object) -> Said:
    """Run a catalog of three tiny experiments."""
    catalog = cwd / "catalog"
    catalog.mkdir(exist_ok=True)
    for name in NAMES:
        text = edited('"tiny"', f'"{name}"', TINY + FIGURE + CLAIM)
        (catalog / f"{name}.toml").write_text(text)
    small = ("--replicates", 1, "--workers", 1, "--set", "factors.weight_scale.levels=[0.1]")
    with patch("normlab.lab.reading.CATALOG", catalog):
        return say_here("run", "all", *small, *options, cwd=cwd)


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("all")


@pytest.fixture(scope="module")
def finished(cwd: Path) -> Said:
    return run_all(cwd)


def test_every_experiment_of_the_catalog_is_run(finished: Said, cwd: Path) -> None:
    assert finished.code == 0
    reports = [path.parent.name for path in sorted((cwd / "results").glob("*/report.html"))]
    assert reports == [*NAMES]


def test_it_says_which_of_how_many(finished: Said) -> None:
    assert re.findall(r"^\d of 3: \w+$", finished.err, re.M) == [
        *("1 of 3: first", "2 of 3: second", "3 of 3: third"),
    ]


def test_it_ends_with_an_index_and_the_verdicts_of_all(finished: Said, cwd: Path) -> None:
    assert (cwd / "results" / "index.html").exists()
    rows = re.findall(r"^ (\w+) +Normalization helps\. +undecided", finished.out, re.M)
    assert rows == [*NAMES]


def test_json_has_every_experiment(finished: Said, cwd: Path) -> None:
    tree = json.loads(run_all(cwd, "--json").out)
    assert [run["experiment"] for run in tree["experiments"]] == [*NAMES]
    assert tree["errors"] == {}


def test_out_is_the_folder_of_the_folders(tmp_path: Path) -> None:
    run_all(tmp_path, "--out", "mine", "--set", "figures=[]")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {*NAMES, "index.html"}


def test_one_that_cannot_run_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "mine" / "first").mkdir(parents=True)
    (tmp_path / "mine" / "first" / "trials").write_text("no folder")
    said = run_all(tmp_path, "--out", "mine", "--set", "figures=[]")
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith(
        "first cannot run: mine/first/trials: cannot be made"
    )
    assert re.findall(r"^ (\w+) +Normalization", said.out, re.M) == ["second", "third"]


def test_a_failed_trial_makes_it_exit_with_1(tmp_path: Path) -> None:
    with patch("normlab.lab.runner.timed_trial", side_effect=MemoryError("no room")):
        assert run_all(tmp_path, "--set", "figures=[]").code == 1


def test_an_interruption_ends_it(tmp_path: Path) -> None:
    with patch("normlab.lab.runner.timed_trial", side_effect=KeyboardInterrupt):
        said = run_all(tmp_path)
    assert said.code == 130
    assert "2 of 3" not in said.err
