"""Runs that are not whole say so, and are read all the same."""

from pathlib import Path

import pytest

from cli.shell import say_here, write
from lab.tiny import CLAIM, TINY


@pytest.fixture
def trials(tmp_path: Path) -> list[Path]:
    """The files of a run's eight trials, in the folder ``out``."""
    write(tmp_path, TINY + CLAIM)
    assert say_here("run", "tiny.toml", "--workers", 1, "--out", "out", cwd=tmp_path).code == 0
    return sorted((tmp_path / "out" / "trials").iterdir())


@pytest.mark.parametrize("command", ["verdicts", "report", "export"])
def test_damaged_and_missing_trials_are_told(
    command: str, trials: list[Path], tmp_path: Path
) -> None:
    trials[0].write_bytes(trials[0].read_bytes()[:100])
    trials[1].unlink()
    said = say_here(command, "out", cwd=tmp_path)
    assert said.code == 0
    assert said.err.splitlines() == [
        f"damaged, left out: out/trials/{trials[0].name}",
        "out: 6 of 8 trials are there; the command of the run trains the others.",
    ]


def test_a_whole_run_says_nothing_of_it(trials: list[Path], tmp_path: Path) -> None:
    assert len(trials) == 8
    assert say_here("verdicts", "out", cwd=tmp_path).err == ""


def test_a_set_up_that_is_another_altogether_is_told_in_part(
    trials: list[Path], tmp_path: Path
) -> None:
    (trials[0].parents[1] / "experiment.json").write_text('{"experiment": {}}')
    err = say_here("run", "tiny.toml", "--workers", 1, "--out", "out", cwd=tmp_path).err
    assert "seed was None, now 0" in err
    assert " more). Its trials stay" in err
