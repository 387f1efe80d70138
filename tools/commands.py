"""What ``dev.py`` can be asked to do: one function a command."""

import difflib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.environment import (
    LOCK,
    ORACLES,
    PEERS,
    Environment,
    SetupError,
    clean_environ,
    make_venv,
    python_in,
    say,
    succeeds,
)

HELP = """\
usage: python3 dev.py COMMAND [ARGUMENTS]

Every command first sets up .venv beside dev.py, with the locked versions, if it has to.

  demo [...]            run the main experiment, `normlab run weight-scale`; more arguments go
                        to it, for example: python3 dev.py demo --replicates 2
  test [...]            run the tests; more arguments go to pytest, for example:
                        python3 dev.py test -k batch_norm
  test --oracles [...]  install PyTorch and ONNX, and run the tests against them
  check [--fix]         format, lint, types, imports; --fix formats and mends what it can
  bench [...]           install PyTorch and JAX, and run the benchmark; more arguments go to it
  setup                 set up .venv, and nothing else
  lock [--upgrade]      make requirements/lock.txt again from pyproject.toml; with --upgrade,
                        of the newest versions

`python3 dev.py COMMAND -- --help` asks the program behind a command for its own help.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command that ``arguments`` ask for and return its exit code."""
    name, *rest = arguments or ["--help"]
    if asks_for_help(arguments):
        print(HELP, end="")
        return 0
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"Did you mean {close[0]}?" if close else "python3 dev.py --help lists them."
        say(f"there is no command {name!r}. {hint}")
        return 2
    try:
        return COMMANDS[name](rest)
    except SetupError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("interrupted")
        return 130


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Tell whether ``dev.py`` itself is asked for help: what follows ``--`` is not its own."""
    own = list(arguments)
    if "--" in own:
        own = own[: own.index("--")]
    return not arguments or bool({"-h", "--help"} & set(own))


def demo(arguments: Sequence[str]) -> int:
    """Run the main experiment where the user stands, so that results land there."""
    environment = Environment()
    environment.ensure()
    return become(environment.script("normlab"), "run", "weight-scale", *for_program(arguments))


def test(arguments: Sequence[str]) -> int:
    """Run the tests, or with ``--oracles`` those that need PyTorch and ONNX."""
    environment = Environment()
    oracles, rest = take("--oracles", arguments)
    environment.ensure(ORACLES if oracles else None)
    pytest = [*which_tests(oracles, rest), *rest]
    return become(environment.python, "-m", "pytest", *pytest, folder=environment.root)


def which_tests(oracles: bool, arguments: Sequence[str]) -> list[str]:
    """Return what tells pytest to stay out of, or in, ``tests/oracles``."""
    if not oracles:
        return ["--ignore=tests/oracles"]
    named = any(argument.startswith("tests/oracles") for argument in arguments)
    return [] if named else ["tests/oracles"]


def check(arguments: Sequence[str]) -> int:
    """Run every check, also after one has failed, and sum up in one line."""
    fix, rest = take("--fix", arguments)
    refuse("check", rest)
    environment = Environment()
    environment.ensure()
    ruff = environment.script("ruff")
    steps: dict[str, list[str | Path]] = {
        "format": [ruff, "format", *([] if fix else ["--check"])],
        "lint": [ruff, "check", *(["--fix"] if fix else [])],
        "types": [environment.script("mypy")],
        "imports": [environment.script("lint-imports"), "--no-logo"],
    }
    started = time.perf_counter()
    failed = [name for name, step in steps.items() if not passes(name, step, environment.root)]
    verdict = ", ".join(f"{name} {'FAILED' if name in failed else 'ok'}" for name in steps)
    say(f"{verdict} ({time.perf_counter() - started:.1f} s)")
    return 1 if failed else 0


def passes(name: str, command: Sequence[str | Path], folder: Path) -> bool:
    """Run one check under a heading."""
    say(name)
    return subprocess.run(command, cwd=folder, env=clean_environ(), check=False).returncode == 0


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmark, which compares with PyTorch and JAX."""
    environment = Environment()
    environment.ensure(PEERS)
    rest = for_program(arguments)
    return become(environment.python, "-m", "bench", *rest, folder=environment.root)


def setup(arguments: Sequence[str]) -> int:
    """Set up the environment and nothing else."""
    refuse("setup", arguments)
    Environment().ensure()
    return 0


def lock(arguments: Sequence[str]) -> int:
    """Make the lock file again, with a uv of its own."""
    os.chdir(Environment().root)
    with tempfile.TemporaryDirectory() as folder:
        make_venv(Path(folder))
        python = python_in(Path(folder))
        say("fetching uv")
        if not succeeds(python, "-m", "pip", "install", "-qq", "uv"):
            raise SetupError("pip could not install uv; its words are above.")
        say(f"resolving {LOCK.as_posix()}")
        compiled = succeeds(
            *(python, "-m", "uv", "pip", "compile", "pyproject.toml", "--group", "dev"),
            *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate"),
            *("--no-emit-index-url", "--custom-compile-command", "python3 dev.py lock"),
            *("--quiet", "--output-file", LOCK.as_posix(), *arguments),
        )
    return 0 if compiled else 1


def take(flag: str, arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Take dev.py's own ``flag`` out of ``arguments``; the rest is for the program behind."""
    own = list(arguments)
    tail = own[own.index("--") :] if "--" in own else []
    own = own[: len(own) - len(tail)]
    return flag in own, for_program([item for item in own if item != flag] + tail)


def for_program(arguments: Sequence[str]) -> list[str]:
    """Return ``arguments`` without the first ``--``, which only ends dev.py's own."""
    rest = list(arguments)
    if "--" in rest:
        rest.remove("--")
    return rest


def refuse(name: str, arguments: Sequence[str]) -> None:
    """Raise ``SetupError`` where a command that takes no arguments gets some."""
    if arguments:
        raise SetupError(f"{name} does not take {' '.join(arguments)!r}.")


def become(*command: str | Path, folder: Path | None = None) -> int:
    """Hand over to ``command``, so that signals and the exit code are its own."""
    words = [str(word) for word in command]
    if os.name == "posix":
        os.chdir(folder or Path.cwd())
        os.execve(words[0], words, clean_environ())
    # On Windows a process cannot be replaced.
    return subprocess.run(words, cwd=folder, env=clean_environ(), check=False).returncode


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "check": check,
    "bench": bench,
    "setup": setup,
    "lock": lock,
}
