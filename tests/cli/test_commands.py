import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import normlab
from cli.shell import Said, say, unread, write
from normlab.cli import main

Say = Callable[..., Said]


@pytest.fixture
def say_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Say]:
    """Run a command in this process, which is quicker, in a folder with ``tiny.toml``."""
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["normlab", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return Said(int(caught.value.code or 0), out, err)

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_version(tmp_path: Path) -> None:
    said = say("--version", cwd=tmp_path)
    assert said == (0, f"normlab {normlab.__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("words", [(), ("list",), ("show",), ("run",)])
def test_help_of_every_command_has_an_example(
    option: str, words: tuple[str, ...], say_here: Say
) -> None:
    said = say_here(*words, option)
    assert said.code == 0
    assert re.search(rf"Example: normlab {' '.join(words)}", said.out)
    assert said.err == ""


def test_the_example_of_run_runs_an_experiment_of_the_catalog(say_here: Say) -> None:
    help_text = " ".join(say_here("run", "--help").out.split())
    assert "normlab run weight-scale --replicates 2 --set training.learning_rate=0.1" in help_text


def test_list_names_each_experiment_with_its_question(say_here: Say) -> None:
    said = say_here("list")
    assert (said.code, said.err) == (0, "")
    assert re.search(r"weight-scale +Does learning depend less on the initial weights", said.out)


def test_show_tells_factors_set_up_and_number_of_trainings(say_here: Say) -> None:
    said = say_here("show", "weight-scale")
    assert (said.code, said.err) == (0, "")
    assert re.search(r"normalization +network\.normalization +none, batch", said.out)
    assert re.search(r"training\.learning_rate +0\.01", said.out)
    assert "160 trainings" in said.out
    assert "normlab run weight-scale" in said.out


def test_show_reads_a_file(say_here: Say) -> None:
    assert "8 trainings" in say_here("show", "tiny.toml").out


def test_no_command_at_all_prints_the_help(say_here: Say) -> None:
    said = say_here()
    assert said.code == 2
    assert "Usage" in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnu",), "No such command 'rnu'"),
        (("run",), "Missing argument"),
        (("run", "tiny.toml", "--bogus"), "No such option"),
        (("run", "tiny.toml", "--workers", "0"), "'--workers'"),
        (("run", "tiny.toml", "--replicates", "many"), "'--replicates'"),
        (("run", "tiny.toml", "--out", "tiny.toml"), "'tiny.toml' is a file"),
        (("run", "tiny.toml", "--set", "steps"), "must be FIELD=VALUE"),
        (("run", "tiny.toml", "--set", "=3"), "must be FIELD=VALUE"),
    ],
)
def test_wrong_usage_says_what_and_exits_with_2(
    arguments: tuple[str, ...], message: str, say_here: Say
) -> None:
    said = say_here(*arguments)
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("run", "nosuch"),
            "There is no experiment 'nosuch'. In the catalog: weight-scale. A file",
        ),
        (("show", "nosuch.toml"), "nosuch.toml: no such file."),
        (("run", "tiny.toml", "--set", "training.lr=1"), "training.lr: unknown key; known: steps"),
        (("run", "tiny.toml", "--set", "network.normalization=batch"), "is varied by the factor"),
        (("run", "tiny.toml", "--set", "data.n_train=60001"), "data.n_train: must be at most"),
        (("run", "tiny.toml", "--out", "tiny.toml/x"), "tiny.toml/x: cannot be made: Not a dir"),
        (("run", "tiny.toml", "--out", "/proc/x"), "/proc/x: cannot be made"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_exits_with_2(
    arguments: tuple[str, ...], line: str, say_here: Say
) -> None:
    said = say_here(*arguments)
    assert (said.code, said.out) == (2, "")
    last = said.err.splitlines()[-1]
    assert last.startswith("normlab: ")
    assert line in last
    assert "Traceback" not in said.err


def test_an_error_of_another_process_is_the_same(tmp_path: Path) -> None:
    said = say("run", "nosuch.toml", cwd=tmp_path)
    assert said == (2, "", "normlab: nosuch.toml: no such file.\n")


def test_every_mistake_of_a_file_is_a_line(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace("steps = 11", "step = 11\nloss = 'l1'"))
    said = say("run", "tiny.toml", cwd=tmp_path)
    assert said.code == 2
    assert [line.split(": ")[2] for line in said.err.splitlines()] == [
        "training.step",
        "training.loss",
    ]
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("words", [("list",), ("show", "weight-scale"), ("run", "-h")])
def test_a_reader_that_stops_early_gives_no_traceback(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    assert unread(*words, cwd=tmp_path) == ""
