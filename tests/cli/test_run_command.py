import csv
import json
import re
from pathlib import Path
from time import monotonic
from unittest.mock import patch

import pytest

from cli.shell import Said, say, say_here, stored, write
from lab.tiny import CLAIM, FIGURE, TINY
from normlab.lab.config import TrialConfig
from normlab.lab.timings import Timing
from normlab.lab.trial import TrialResult, timed_trial


class Finished:
    """A run to its end, and its folder."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        write(cwd, TINY + FIGURE + CLAIM)
        self.folder = cwd / "results" / "tiny"
        self.said = say("run", "tiny.toml", "--workers", 2, cwd=cwd)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return Finished(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="module")
def again(finished: Finished) -> Said:
    return say_here("run", "tiny.toml", "--json", cwd=finished.cwd)


def small(*arguments: object, cwd: Path) -> Said:
    """Run with two levels and one replicate, into ``out``."""
    path = write(cwd)
    options = ("--replicates", 1, "--workers", 1, "--out", "out")
    one = ("--set", "factors.weight_scale.levels=[0.1]")
    return say_here("run", path, *options, *one, *arguments, cwd=cwd)


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
    assert "Training accuracy, mean of 2 replicates" in out
    assert re.search(r"weight_scale +none +batch +difference +95% interval", out)
    assert re.search(r"\n +0\.1 +0\.\d+ +0\.\d+ +[+-]0\.\d{3} +[+-]0\.\d{3} to ", out)


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
        "results/tiny/report.html",
        "results/tiny/panels.svg",
        "results/tiny/panels.png",
        "results/tiny/results.csv",
    ]
    assert all((finished.cwd / path).stat().st_size > 0 for path in listed)


def test_a_folder_holds_trials_table_times_and_experiment(finished: Finished) -> None:
    names = {path.name for path in finished.folder.iterdir()}
    assert names >= {"experiment.json", "run.json", "results.csv", "timings.csv", "trials"}
    assert len([*(finished.folder / "trials").iterdir()]) == 8


def test_the_command_is_kept_as_it_was_typed(finished: Finished) -> None:
    record = json.loads((finished.folder / "run.json").read_text())
    assert record["command"] == "normlab run tiny.toml --workers 2"


def test_verdicts_go_to_stdout_after_the_contrast(finished: Finished) -> None:
    contrast, _, verdicts = finished.said.out.partition("95% interval   diverged")
    assert contrast
    assert re.search(r"tiny +Normalization helps\. +undecided ", verdicts)


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
    assert say_here("run", "tiny.toml", cwd=finished.cwd).out == finished.said.out
    assert stored(finished.folder) == before


def test_a_second_run_is_quick(finished: Finished) -> None:
    started = monotonic()
    say("run", "tiny.toml", "--set", "figures=[]", cwd=finished.cwd)
    assert monotonic() - started < 10  # 2 s on an idle machine


def test_json_is_all_there_is_on_stdout(again: Said) -> None:
    found = json.loads(again.out)
    assert (found["experiment"], found["trials"], found["failed"]) == ("tiny", 8, [])
    assert found["files"][-1] == "results/tiny/results.csv"


def test_json_has_verdicts_with_their_numbers(again: Said) -> None:
    (verdict,) = json.loads(again.out)["verdicts"]
    assert (verdict["answer"], verdict["pairs"]) == ("undecided", 2)
    assert [place["levels"] for place in verdict["places"]] == [
        {"weight_scale": 0.1},
        {"weight_scale": 0.01},
    ]


def test_json_has_the_numbers_of_the_contrast(again: Said) -> None:
    contrast = json.loads(again.out)["contrast"]
    first = contrast["rows"][0]
    assert contrast["treatment"] == "batch"
    assert first["weight_scale"] == 0.1
    mean = sum(b - a for a, b in zip(first["baseline"], first["treatment"], strict=True)) / 2
    assert first["difference"] == pytest.approx(mean)
    assert first["interval"][0] < mean < first["interval"][1]


def test_out_replicates_and_levels_are_as_asked(tmp_path: Path) -> None:
    said = small(cwd=tmp_path)
    assert said.code == 0
    assert "mean of 1 replicate" in said.out
    assert len(rows(tmp_path / "out")) == 2 * 3


def test_set_takes_toml_values_and_plain_words(tmp_path: Path) -> None:
    small(
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


def test_fresh_says_what_it_discards_before_it_does(tmp_path: Path) -> None:
    small(cwd=tmp_path)
    lines = small("--fresh", cwd=tmp_path).err.splitlines()
    assert lines[1:3] == ["--fresh: discards 2 finished trials in out", "0/2 trials"]


def test_diverging_trials_are_counted_without_warnings(tmp_path: Path) -> None:
    said = small("--set", "factors.weight_scale.levels=[1e30, 1e300]", cwd=tmp_path)
    assert said.code == 0
    assert "4/4 trials, 4 diverged" in said.err.splitlines()
    assert "Warning" not in said.err
    assert "1 / 1" in said.out


def test_json_of_diverging_trials_has_no_nan(tmp_path: Path) -> None:
    options = ("--set", "training.learning_rate=1e30", "--set", "contrast.response=train_loss")
    found = json.loads(small("--json", *options, cwd=tmp_path).out)
    assert found["diverged"] == 2
    assert found["contrast"]["rows"][0]["interval"] == [None, None]


def test_a_damaged_file_is_set_aside_with_a_message(tmp_path: Path) -> None:
    small(cwd=tmp_path)
    before = stored(tmp_path / "out")
    damaged = sorted((tmp_path / "out" / "trials").iterdir())[0]
    damaged.write_text("{")
    said = small(cwd=tmp_path)
    aside = f"out/trials/{damaged.stem}.damaged"
    assert f"damaged, set aside, and its trial runs again: {aside}" in said.err.splitlines()
    assert said.code == 0
    (tmp_path / aside).unlink()
    assert stored(tmp_path / "out") == before


def test_a_run_is_the_same_from_another_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    small(cwd=tmp_path)
    path = tmp_path / "tiny.toml"
    options = ("--replicates", 1, "--workers", 1, "--out", "../there")
    say_here("run", path, *options, "--set", "factors.weight_scale.levels=[0.1]", cwd=elsewhere)
    assert stored(tmp_path / "there") == stored(tmp_path / "out")


def test_another_set_up_in_the_same_folder_is_said(tmp_path: Path) -> None:
    small(cwd=tmp_path)
    said = small("--set", "training.batch_size=7", cwd=tmp_path)
    assert "out was last used with another set-up (training.batch_size was 20, now 7)" in said.err


def test_the_same_set_up_in_the_same_folder_says_nothing_of_it(tmp_path: Path) -> None:
    small(cwd=tmp_path)
    assert "another set-up" not in small(cwd=tmp_path).err


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
    assert small("--set", setting, cwd=tmp_path).code == code


def test_the_quick_setting_has_a_folder_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, TINY + '[quick]\nreplicates = 1\n"training.steps" = 3\n')
    said = say_here("run", "tiny.toml", "--quick", "--workers", 1, cwd=tmp_path)
    assert said.code == 0
    assert "4 trainings, stored in results/tiny-quick" in said.err
    assert config(tmp_path / "results" / "tiny-quick")["training"]["steps"] == 3


def fails_with_normalization(config: TrialConfig) -> tuple[TrialResult, Timing]:
    if config.network.normalization == "batch":
        raise MemoryError("no room")
    return timed_trial(config)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Said:
    with patch("normlab.lab.runner.timed_trial", fails_with_normalization):
        return small("--json", cwd=tmp_path_factory.mktemp("failed"))


def test_a_run_with_failed_trials_exits_with_1(failed: Said) -> None:
    assert failed.code == 1


def test_a_failed_trial_is_named_with_its_cause(failed: Said) -> None:
    line = "failed: weight scale = 0.1, normalization = batch, replicate 0: MemoryError: no room"
    assert line in failed.err.splitlines()


def test_json_has_failures_with_their_cause(failed: Said) -> None:
    (failure,) = json.loads(failed.out)["failed"]
    assert failure["cause"] == "MemoryError: no room"
    assert failure["levels"] == {"weight_scale": 0.1, "normalization": "batch"}


def test_a_run_without_any_finished_trial_still_has_a_report(tmp_path: Path) -> None:
    write(tmp_path, TINY + FIGURE)
    with patch("normlab.lab.runner.timed_trial", side_effect=MemoryError("no room")):
        said = say_here("run", "tiny.toml", "--workers", 1, cwd=tmp_path)
    assert said.code == 1
    assert "results/tiny/report.html" in said.err


@pytest.mark.parametrize(
    ("options", "remedy"),
    [((), "the same command continues"), (("--fresh",), "the same command without --fresh")],
)
def test_an_interruption_says_how_to_continue(
    options: tuple[str, ...], remedy: str, tmp_path: Path
) -> None:
    with patch("normlab.lab.runner.timed_trial", side_effect=KeyboardInterrupt):
        said = small(*options, cwd=tmp_path)
    assert said.code == 130
    last = said.err.splitlines()[-1]
    assert last.startswith(f"Interrupted: 0 of 2 trials are kept in out; {remedy}")
