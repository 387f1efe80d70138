import csv
import json
import re
from pathlib import Path
from time import monotonic

import pytest

from cli.shell import Said, say, stored, write
from lab.tiny import FIGURE, TINY


class Finished:
    """A run to its end, and its folder."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        write(cwd, TINY + FIGURE)
        self.folder = cwd / "results" / "tiny"
        self.said = say("run", "tiny.toml", "--workers", 2, cwd=cwd)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return Finished(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="module")
def again(finished: Finished) -> Said:
    return say("run", "tiny.toml", "--json", cwd=finished.cwd)


def quick(*arguments: object, cwd: Path) -> Said:
    """Run with two levels and one replicate, into ``out``."""
    path = write(cwd)
    options = ("--replicates", 1, "--workers", 1, "--out", "out")
    one = ("--set", "factors.weight_scale.levels=[0.1]")
    return say("run", path, *options, *one, *arguments, cwd=cwd)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def config(folder: Path) -> dict[str, dict[str, object]]:
    first = sorted((folder / "trials").iterdir())[0]
    tree: dict[str, dict[str, dict[str, object]]] = json.loads(first.read_text())
    return tree["config"]


def test_a_run_exits_with_0(finished: Finished) -> None:
    assert finished.said.code == 0


def test_results_go_to_stdout_as_a_table(finished: Finished) -> None:
    out = finished.said.out
    assert "Final training accuracy, mean of 2 replicates" in out
    assert re.search(r"weight_scale +none +batch +difference +95% interval", out)
    assert re.search(r"\n +0\.1 +0\.\d{3} +0\.\d{3} +[+-]0\.\d{3} +[+-]0\.\d{3} to ", out)


def test_words_and_progress_go_to_stderr(finished: Finished) -> None:
    lines = finished.said.err.splitlines()
    assert lines[0] == "A tiny experiment: 8 trainings, stored in results/tiny"
    assert lines[1] == "0/8 trials"
    assert "8/8 trials" in lines
    assert "trials" not in finished.said.out


def test_there_are_no_escape_codes_where_there_is_no_terminal(finished: Finished) -> None:
    assert "\x1b" not in finished.said.out + finished.said.err
    assert "\r" not in finished.said.out + finished.said.err


def test_what_was_written_is_listed_and_there(finished: Finished) -> None:
    listed = finished.said.err.partition("Written:")[2].split()
    assert listed == [
        "results/tiny/panels.svg",
        "results/tiny/panels.png",
        "results/tiny/results.csv",
    ]
    assert all((finished.cwd / path).stat().st_size > 0 for path in listed)


def test_a_folder_holds_trials_table_times_and_experiment(finished: Finished) -> None:
    names = {path.name for path in finished.folder.iterdir()}
    assert names >= {"experiment.json", "results.csv", "timings.csv", "trials"}
    assert len([*(finished.folder / "trials").iterdir()]) == 8


def test_the_table_has_a_row_a_trial_and_recorded_step(finished: Finished) -> None:
    table = rows(finished.folder)
    assert len(table) == 8 * 3
    assert [row["step"] for row in table[:3]] == ["1", "6", "11"]


def test_a_second_run_finds_everything_done(again: Said) -> None:
    assert again.code == 0
    assert "8/8 trials" in again.err.splitlines()
    assert "0/8 trials" not in again.err


def test_a_second_run_changes_no_byte(finished: Finished) -> None:
    before = stored(finished.folder)
    assert say("run", "tiny.toml", cwd=finished.cwd).out == finished.said.out
    assert stored(finished.folder) == before


def test_a_second_run_is_quick(finished: Finished) -> None:
    started = monotonic()
    say("run", "tiny.toml", "--set", "figures=[]", cwd=finished.cwd)
    assert monotonic() - started < 10  # 2 s on an idle machine


def test_json_is_all_there_is_on_stdout(again: Said) -> None:
    found = json.loads(again.out)
    assert (found["experiment"], found["trials"], found["failed"]) == ("tiny", 8, [])
    assert found["files"][-1] == "results/tiny/results.csv"


def test_json_has_the_numbers_of_the_contrast(again: Said) -> None:
    contrast = json.loads(again.out)["contrast"]
    first = contrast["rows"][0]
    assert contrast["treatment"] == "batch"
    assert first["weight_scale"] == 0.1
    mean = sum(b - a for a, b in zip(first["baseline"], first["treatment"], strict=True)) / 2
    assert first["difference"] == pytest.approx(mean)
    assert first["interval"][0] < mean < first["interval"][1]


def test_out_replicates_and_levels_are_as_asked(tmp_path: Path) -> None:
    said = quick(cwd=tmp_path)
    assert said.code == 0
    assert "mean of 1 replicate" in said.out
    assert len(rows(tmp_path / "out")) == 2 * 3


def test_set_takes_toml_values_and_plain_words(tmp_path: Path) -> None:
    quick(
        *("--set", "training.learning_rate=0.5", "--set", "network.activation=tanh"),
        *("--set", 'training.optimizer="adam"', "--set", "network.sizes=[784, 5, 10]"),
        *("--set", "training.replacement=false"),
        cwd=tmp_path,
    )
    found = config(tmp_path / "out")
    assert found["training"]["learning_rate"] == 0.5
    assert found["training"]["replacement"] is False
    assert found["training"]["optimizer"] == "adam"
    assert found["network"]["activation"] == "tanh"
    assert found["network"]["sizes"] == [784, 5, 10]


def test_fresh_says_what_it_discards(tmp_path: Path) -> None:
    quick(cwd=tmp_path)
    said = quick("--fresh", cwd=tmp_path)
    assert "--fresh: discarded 2 finished trials" in said.err.splitlines()
    assert "0/2 trials" in said.err.splitlines()


def test_diverging_trials_are_counted_without_warnings(tmp_path: Path) -> None:
    said = quick("--set", "factors.weight_scale.levels=[1e30, 1e300]", cwd=tmp_path)
    assert said.code == 0
    assert "4/4 trials, 4 diverged" in said.err.splitlines()
    assert "Warning" not in said.err
    assert "1 / 1" in said.out


def test_json_of_diverging_trials_has_no_nan(tmp_path: Path) -> None:
    options = ("--set", "training.learning_rate=1e30", "--set", "contrast.response=train_loss")
    found = json.loads(quick("--json", *options, cwd=tmp_path).out)
    assert found["diverged"] == 2
    assert found["contrast"]["rows"][0]["interval"] == [None, None]


def test_a_damaged_file_is_set_aside_with_a_message(tmp_path: Path) -> None:
    quick(cwd=tmp_path)
    before = stored(tmp_path / "out")
    damaged = sorted((tmp_path / "out" / "trials").iterdir())[0]
    damaged.write_text("{")
    said = quick(cwd=tmp_path)
    aside = f"out/trials/{damaged.stem}.damaged"
    assert f"damaged, set aside, and its trial runs again: {aside}" in said.err.splitlines()
    assert said.code == 0
    (tmp_path / aside).unlink()
    assert stored(tmp_path / "out") == before


def test_a_run_is_the_same_from_another_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    quick(cwd=tmp_path)
    path = tmp_path / "tiny.toml"
    options = ("--replicates", 1, "--workers", 1, "--out", "../there")
    say("run", path, *options, "--set", "factors.weight_scale.levels=[0.1]", cwd=elsewhere)
    assert stored(tmp_path / "there") == stored(tmp_path / "out")


def test_another_set_up_in_the_same_folder_is_said(tmp_path: Path) -> None:
    quick(cwd=tmp_path)
    said = quick("--set", "training.batch_size=7", cwd=tmp_path)
    assert "out was last used with another set-up (training.batch_size was 20, now 7)" in said.err


def test_the_same_set_up_in_the_same_folder_says_nothing_of_it(tmp_path: Path) -> None:
    quick(cwd=tmp_path)
    assert "another set-up" not in quick(cwd=tmp_path).err


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("training.learning_rate=.1", 0),
        ("training.replacement=True", 0),
        ("training.epochs=1", 0),
        ("sources.0.text=another", 2),  # the file names no sources
    ],
)
def test_settings_are_read_as_people_write_them(setting: str, code: int, tmp_path: Path) -> None:
    assert quick("--set", setting, cwd=tmp_path).code == code
