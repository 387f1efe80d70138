import csv
from pathlib import Path

import pytest

from normlab.errors import StoreError
from normlab.lab.timings import COLUMNS, append, seconds_per_step, timing


def test_a_line_says_how_long_and_where(tmp_path: Path) -> None:
    append(tmp_path / "t.csv", "a", timing(1.23456, 0.000123456))
    with (tmp_path / "t.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert (row["trial"], row["seconds"], row["seconds_per_step"]) == ("a", "1.235", "0.0001235")
    assert row["python"]
    assert row["machine"]


def test_the_last_line_of_a_trial_counts(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for trial, each in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        append(path, trial, timing(9, each))
    assert seconds_per_step(path) == {"a": 3.0, "b": 2.0}


@pytest.mark.parametrize("torn", [1, 5, 40, 60])
def test_a_torn_line_costs_itself_alone(torn: int, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for trial in "abc":
        append(path, trial, timing(9, 1)._replace(machine='a "machine", with commas'))
        if trial == "b":
            path.write_bytes(path.read_bytes()[:-torn])
    found = [*seconds_per_step(path)]
    assert found == (["a", "b", "c"] if torn == 1 else ["a", "c"])


def test_without_a_file_no_times_are_known(tmp_path: Path) -> None:
    assert seconds_per_step(tmp_path / "t.csv") == {}


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"t\.csv: cannot be written: No such file or directory"):
        append(tmp_path / "missing" / "t.csv", "a", timing(1, 1))
