"""``dev.py`` and ``tools``: the parts that need no network."""

import ast
import json
import re
import runpy
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import commands, environment
from tools.environment import (
    ORACLES,
    PEERS,
    REASONS,
    ROOT,
    Environment,
    Extra,
    requirements,
    torch_sources,
    without_hashes,
)

LOCK = (ROOT / environment.LOCK).read_text("utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Environment:
    """Return the finished environment of a checkout that has only what the stamp looks at."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / environment.LOCK).write_text("numpy==2.4.6\n")
    (tmp_path / ORACLES.file).write_text("torch==2.13.0\n")
    (tmp_path / PEERS.file).write_text("-r oracles.txt\njax==0.10.2\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[build-system]\nrequires = []')
    (tmp_path / "src" / "normlab").mkdir(parents=True)
    (tmp_path / "src" / "normlab" / "_version.py").write_text('__version__ = "0.1.0"\n')
    made = Environment(tmp_path)
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    made.stamp_file.write_text(json.dumps(made.wanted_stamp()))
    return made


# The gate


def test_an_old_python_gets_one_clear_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / "dev.py"), run_name="__main__")
    assert stopped.value.code == 2
    line = r"dev\.py: needs Python 3\.11 or newer, and this is Python 3\.10\.4 \(.*\)\.\n"
    assert re.fullmatch(line, capsys.readouterr().err)


def test_dev_py_uses_no_syntax_that_an_old_python_cannot_read() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text("utf-8"))
    new = (ast.JoinedStr, ast.AnnAssign, ast.arg, ast.NamedExpr, ast.Match, ast.Starred, ast.With)
    assert not [node for node in ast.walk(tree) if isinstance(node, new)]


# The stamp


def test_a_finished_environment_is_kept(checkout: Environment) -> None:
    assert checkout.reason_to_build() is None


def test_a_missing_environment_is_built(tmp_path: Path) -> None:
    assert Environment(tmp_path).reason_to_build() == "there is none yet"


@pytest.mark.parametrize("left", [None, "", '{"python": '])
def test_a_half_built_environment_is_built_anew(checkout: Environment, left: str | None) -> None:
    checkout.stamp_file.unlink()
    if left is not None:
        checkout.stamp_file.write_text(left)
    assert checkout.reason_to_build() == "it was never finished"


def test_an_environment_whose_interpreter_is_gone_is_built_anew(checkout: Environment) -> None:
    checkout.python.unlink()
    checkout.python.symlink_to(checkout.root / "no-such-python")
    assert checkout.reason_to_build() == "its Python is gone"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (environment.LOCK, REASONS["lock"]),
        (Path("src", "normlab", "_version.py"), REASONS["project"]),
    ],
)
def test_a_changed_file_makes_the_environment_out_of_date(
    checkout: Environment, file: Path, reason: str
) -> None:
    (checkout.root / file).write_text("changed")
    assert checkout.reason_to_build() == reason


def test_a_tool_setting_in_pyproject_leaves_the_environment_as_it_is(checkout: Environment) -> None:
    with (checkout.root / "pyproject.toml").open("a") as file:
        file.write("\n[tool.ruff]\nline-length = 100\n")
    assert checkout.reason_to_build() is None


@pytest.mark.parametrize("entry", ["python", "root"])
def test_an_environment_of_another_python_or_folder_is_built_anew(
    checkout: Environment, entry: str
) -> None:
    checkout.stamp_file.write_text(json.dumps(checkout.wanted_stamp() | {entry: "another"}))
    assert checkout.reason_to_build() == REASONS[entry]


# Extras


def install(checkout: Environment, extra: Extra) -> None:
    checkout.stamp_file_of(extra).write_text(checkout.wanted_stamp_of(extra))


@pytest.mark.parametrize("extra", [ORACLES, PEERS])
def test_an_extra_is_installed_again_when_its_versions_change(
    checkout: Environment, extra: Extra
) -> None:
    assert not checkout.has(extra)
    install(checkout, extra)
    assert checkout.has(extra)
    (checkout.root / extra.file).write_text("torch==2.14.0\n")
    assert not checkout.has(extra)


def test_oracles_are_installed_without_the_peers(checkout: Environment) -> None:
    install(checkout, ORACLES)
    assert checkout.has(ORACLES)
    assert not checkout.has(PEERS)


def test_peers_are_installed_again_when_a_version_of_the_oracles_changes(
    checkout: Environment,
) -> None:
    install(checkout, PEERS)
    (checkout.root / ORACLES.file).write_text("torch==2.14.0\n")
    assert not checkout.has(PEERS)


@pytest.mark.parametrize(
    ("call", "extras"),
    [
        (lambda: commands.test([]), [None]),
        (lambda: commands.test(["--oracles"]), [ORACLES]),
        (lambda: commands.bench(["--quick"]), [PEERS]),
    ],
)
def test_a_command_installs_only_the_extra_that_it_needs(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[], int], extras: list[Extra | None]
) -> None:
    asked: list[Extra | None] = []
    monkeypatch.setattr(Environment, "ensure", lambda self, extra=None: asked.append(extra))
    monkeypatch.setattr(commands, "become", lambda *command, folder: 0)
    assert call() == 0
    assert asked == extras


def test_every_version_of_an_extra_is_exact_and_stated_once() -> None:
    lines = requirements(ROOT / PEERS.file).splitlines()
    stated = [line for line in lines if not line.startswith(("#", "-r "))]
    assert [line for line in stated if not re.fullmatch(r"[\w-]+==[\d.]+", line)] == []
    names = [line.split("==")[0] for line in stated]
    assert sorted(names) == ["jax", "onnx", "torch"]


# The lock file


def test_constraints_are_the_lock_file_without_its_hashes() -> None:
    lock = "# made by a tool\na==1 ; python_version < '3.12' \\\n    --hash=sha256:0 \\\nb==2\n"
    assert without_hashes(lock) == "a==1 ; python_version < '3.12'\nb==2\n"


def test_every_requirement_of_the_project_is_locked() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = pyproject["project"]["dependencies"] + pyproject["dependency-groups"]["dev"]
    names = {re.split(r"[\s<>=!~;\[]", requirement)[0] for requirement in wanted}
    assert names <= set(re.findall(r"^([\w.-]+)==", LOCK, re.MULTILINE))


def test_the_project_sets_lower_bounds_and_no_pins() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = pyproject["project"]["dependencies"] + pyproject["dependency-groups"]["dev"]
    assert [item for item in wanted if not re.fullmatch(r"[\w-]+>=[\d.]+", item)] == []


def test_the_lock_file_names_no_place_to_download_from() -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|^-|/", LOCK, re.MULTILINE)


def test_every_locked_version_has_a_hash() -> None:
    pins = re.findall(r"^\S.*==.*\n(?:    --hash=\S+.*\n?)*", LOCK, re.MULTILINE)
    assert len(pins) > 30
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


@pytest.mark.parametrize(
    ("settings", "platform", "adds"),
    [
        ("global.cert='x'", "linux", True),
        ("global.extra-index-url='https://example.org'", "linux", False),
        (":env:.find-links='wheels'", "linux", False),
        ("", "darwin", False),
        ("", "win32", False),
    ],
)
def test_only_linux_without_sources_of_its_own_takes_pytorch_from_its_cpu_index(
    settings: str, platform: str, adds: bool
) -> None:
    assert bool(torch_sources(settings, platform)) is adds


# Arguments


@pytest.mark.parametrize(
    ("given", "taken", "rest"),
    [
        ([], False, []),
        (["-k", "norm"], False, ["-k", "norm"]),
        (["-x", "--oracles", "-k", "norm"], True, ["-x", "-k", "norm"]),
        (["--oracles", "--", "--help"], True, ["--help"]),
        (["--", "--oracles"], False, ["--oracles"]),
    ],
)
def test_own_flags_are_taken_and_the_rest_is_passed_on(
    given: list[str], taken: bool, rest: list[str]
) -> None:
    assert commands.take("--oracles", given) == (taken, rest)


def test_plain_tests_leave_the_oracles_out() -> None:
    assert commands.which_tests(False, ["-x"]) == ["--ignore=tests/oracles"]


def test_oracle_tests_are_the_whole_folder_unless_one_is_named() -> None:
    assert commands.which_tests(True, ["-x"]) == ["tests/oracles"]
    assert commands.which_tests(True, ["tests/oracles/test_torch.py"]) == []


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["test", "--help"]])
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(arguments) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in commands.COMMANDS)


def test_an_unknown_command_is_wrong_usage_and_hints_at_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert commands.main(["chekc"]) == 2
    assert capsys.readouterr().err == "dev.py: there is no command 'chekc'. Did you mean check?\n"


@pytest.mark.parametrize("name", ["check", "setup"])
def test_a_command_that_takes_no_arguments_refuses_them(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main([name, "--fixx"]) == 2
    assert f"{name} does not take '--fixx'." in capsys.readouterr().err


def test_what_would_lead_pip_out_of_the_environment_is_not_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PIP_TARGET", "elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    clean = environment.clean_environ()
    assert "elsewhere" not in clean.values()
    assert clean["PIP_USER"] == "0"
