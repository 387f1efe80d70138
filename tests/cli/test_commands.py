import re
import subprocess
from pathlib import Path

import pytest

import normlab
from cli.shell import ENVIRONMENT, Said, command, say, say_here, unread, write
from normlab.lab import estimate

COMMANDS = ["list", "show", "run", "verdicts", "report", "export", "new", "demo-layer"]


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    """A folder with ``tiny.toml``."""
    write(tmp_path)
    return tmp_path


def test_version(cwd: Path) -> None:
    assert say("--version", cwd=cwd) == (0, f"normlab {normlab.__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)])
def test_help_of_every_command_has_an_example(
    option: str, words: tuple[str, ...], cwd: Path
) -> None:
    said = say_here(*words, option, cwd=cwd)
    assert said.code == 0
    assert re.search(rf"Example: normlab {' '.join(words)}", said.out)
    assert said.err == ""


def test_the_help_lists_every_command(cwd: Path) -> None:
    out = say_here("--help", cwd=cwd).out
    assert [name for name in COMMANDS if not re.search(rf"\b{name} ", out)] == []


def test_the_example_of_run_runs_an_experiment_of_the_catalog(cwd: Path) -> None:
    help_text = " ".join(say_here("run", "--help", cwd=cwd).out.split())
    assert "normlab run weight-scale --replicates 2 --set training.learning_rate=0.1" in help_text


def test_list_names_each_experiment_with_its_question(cwd: Path) -> None:
    said = say_here("list", cwd=cwd)
    assert (said.code, said.err) == (0, "")
    assert re.search(r"weight-scale +Does learning depend less on the initial weights", said.out)


def test_no_command_at_all_prints_the_help(cwd: Path) -> None:
    said = say_here(cwd=cwd)
    assert (said.code, said.err) == (2, "")
    assert "Usage" in said.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnu",), "No such command 'rnu'"),
        (("run",), "Missing argument"),
        (("run", "tiny.toml", "--bogus"), "No such option"),
        (
            ("run", "tiny.toml", "--workers", "0"),
            "'--workers': must be greater than or equal to 1. Try",
        ),
        (("run", "tiny.toml", "--replicates", "many"), "'--replicates'"),
        (("run", "tiny.toml", "--out", "tiny.toml"), "'tiny.toml' is a file"),
        (
            ("run", "tiny.toml", "--workers", "2", "--scheduler", "h:1"),
            "must be left out with --sch",
        ),
        (("run", "tiny.toml", "--scheduler", "nonsense"), "scheduler must be an address such as"),
        (("run", f"{'a' * 300}.toml"), "no such file"),
        (("show", "a" * 300), "There is no experiment"),
        (("verdicts", "a" * 300), "aaa: "),
        (("run", "tiny.toml", "--set", f"{'a.' * 3000}a=1"), "must have fewer tables in tables"),
        (("run", "tiny.toml", "--set", "steps"), "must be FIELD=VALUE"),
        (("run", "tiny.toml", "--set", "=3"), "must be FIELD=VALUE"),
        (("run", "nosuch"), "There is no experiment 'nosuch'. In the catalog: "),
        (("show", "nosuch.toml"), "nosuch.toml: no such file."),
        (("show", "tiny.toml", "--quick"), "tiny.toml: quick: is missing"),
        (("run", "tiny.toml", "--set", "training.lr=1"), "training.lr: unknown key; known: steps"),
        (("run", "tiny.toml", "--set", "network.normalization=batch"), "is varied by the factor"),
        (("run", "tiny.toml", "--set", "data.n_train=60001"), "data.n_train: must be at most"),
        (("run", "tiny.toml", "--out", "tiny.toml/x"), "cannot be read: Not a directory"),
        (("run", "tiny.toml", "--out", "/proc/x"), "/proc/x: cannot be made"),
        (("verdicts",), "results: holds no run, and no folder of one"),
        (("report", "nosuch"), "nosuch: holds no run, and no folder of one"),
        (("export", "nosuch"), "nosuch: holds no run, and no folder of one"),
        (("new", "my.json"), "my.json: must end in .toml."),
        (("new", "tiny.toml"), "tiny.toml: is there already, and is left as it is."),
        (("new", "no/folder.toml"), "no/folder.toml: cannot be written: No such file"),
        (("demo-layer", "--seed", "-1"), "'--seed'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_and_exits_with_2(
    arguments: tuple[str, ...], message: str, cwd: Path
) -> None:
    said = say_here(*arguments, cwd=cwd)
    assert (said.code, said.out) == (2, "")
    last = said.err.splitlines()[-1]
    assert last.startswith("normlab: ")
    assert message in last
    assert said.err.count("normlab: ") == 1


def test_an_error_of_another_process_is_the_same(cwd: Path) -> None:
    said = say("run", "nosuch.toml", cwd=cwd)
    assert said == (2, "", "normlab: nosuch.toml: no such file.\n")


def test_every_mistake_of_a_file_is_a_line(cwd: Path) -> None:
    path = cwd / "tiny.toml"
    path.write_text(path.read_text().replace("steps = 11", "step = 11\nloss = 'l1'"))
    said = say_here("run", "tiny.toml", cwd=cwd)
    assert said.code == 2
    assert [line.split(": ")[2] for line in said.err.splitlines()] == [
        "training.step",
        "training.loss",
    ]
    assert not (cwd / "results").exists()


@pytest.mark.parametrize("words", [("list",), ("show", "weight-scale"), ("run", "-h")])
def test_a_reader_that_stops_early_gives_no_traceback(words: tuple[str, ...], cwd: Path) -> None:
    assert unread(*words, cwd=cwd) == ""


@pytest.mark.parametrize(("encoding", "gamma"), [("ascii", b"?"), ("utf-8", b"\xce\xb3")])
def test_letters_that_the_output_has_not_are_no_mistake(
    encoding: str, gamma: bytes, cwd: Path
) -> None:
    words = command("show", "cnn-learning-rate", "--no-estimate")
    environment = ENVIRONMENT | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, check=True)
    assert b"at " + gamma + b" = drawn" in done.stdout


def test_an_interruption_while_code_is_loaded_gives_no_traceback(cwd: Path) -> None:
    (cwd / "typer.py").write_text("raise KeyboardInterrupt")  # is found first
    assert say("list", cwd=cwd) == (130, "", "")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Said:
    cwd = tmp_path_factory.mktemp("shown")
    say_here("new", "my.toml", cwd=cwd)
    return say_here("show", "my.toml", "--no-estimate", cwd=cwd)


def test_show_tells_factors_with_their_levels(shown: Said) -> None:
    assert (shown.code, shown.err) == (0, "")
    assert re.search(r"normalization +network\.normalization +none, batch", shown.out)


def test_show_tells_the_set_up(shown: Said) -> None:
    assert re.search(r"training\.batch_size +50", shown.out)


@pytest.mark.parametrize(
    "line",
    [
        "- accuracy and loss after step 1, then every 3 steps: training images each time",
        "- probes at step 1, then every 33 steps: gradients",
        "- steps_to_80_percent: steps to reach 80% training accuracy: first recorded step with",
        "- initial_gradient: gradient norm of the first layer's output at the start: first of",
        "- Normalized networks learn at larger learning rates.\n  Largest learning rate at which",
        "- curves: test_accuracy over training, a panel a level of learning_rate, a line a level",
        "- replicates = 1, training.steps = 28",
        "24 trainings: 8 combinations of levels x 3 replicates.",
        "Run them with: normlab run my.toml\n",
    ],
)
def test_show_tells_what_is_recorded_measured_claimed_and_drawn(line: str, shown: Said) -> None:
    assert line in shown.out


def test_show_measures_how_long_it_takes(cwd: Path) -> None:
    said = say_here("show", "tiny.toml", cwd=cwd)
    assert said.code == 0
    assert re.search(
        r"They take about [\d.]+ s with \d+ workers?: [\d.]+ s each, measured", said.out
    )
    assert "8 trainings" in said.out


def test_show_of_the_quick_setting_says_so(cwd: Path) -> None:
    write(cwd, (cwd / "tiny.toml").read_text() + "[quick]\nreplicates = 1\n")
    said = say_here("show", "tiny.toml", "--quick", "--no-estimate", cwd=cwd)
    assert said.out.startswith("A tiny experiment (quick setting)\n")
    assert "4 trainings" in said.out
    assert "normlab run tiny.toml --quick" in said.out


def test_demo_layer_shows_the_laws_of_the_backward_pass(cwd: Path) -> None:
    said = say_here("demo-layer", "--seed", "1", cwd=cwd)
    assert (said.code, said.err) == (0, "")
    assert "each column of dx sums to 0\n[0.0000 0.0000 0.0000]\n" in said.out
    error = re.search(r"error against central differences: (\S+)", said.out)
    assert error is not None
    assert float(error[1]) < 1e-6


def test_demo_layer_depends_on_its_seed_alone(cwd: Path) -> None:
    first, again, other = (say_here("demo-layer", "--seed", s, cwd=cwd).out for s in (0, 0, 1))
    assert first == again != other


def test_show_shows_the_rest_where_its_time_cannot_be_measured(
    cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 6 PiB")

    monkeypatch.setattr(estimate, "estimate", no_memory)
    said = say_here("show", "tiny.toml", cwd=cwd)
    assert (said.code, said.err) == (0, "")
    assert "How long they take is not known: Unable to allocate 6 PiB\n" in said.out


def test_a_mistake_within_is_not_taken_for_an_interruption(
    cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer takes every end of a file for one, as if it had asked for something."""

    def end(*_: object, **__: object) -> None:
        raise EOFError("of a file within")

    monkeypatch.setattr(estimate, "estimate", end)
    with pytest.raises(EOFError, match="of a file within"):
        say_here("show", "tiny.toml", cwd=cwd)
