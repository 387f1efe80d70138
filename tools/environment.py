"""The ``.venv`` beside ``dev.py``: made from the lock file, and made again when it is out of date.

The stamp, a small JSON file, is written last. So a ``.venv`` whose stamp is missing was never
finished, and one whose stamp differs from what is wanted now was made for something else. Both
are removed and built anew; the interpreter that runs ``dev.py`` is never touched.
"""

import contextlib
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOCK = Path("requirements", "lock.txt")

# Why a .venv with this entry of its stamp out of date is built anew.
REASONS = {
    "python": "it was made with another Python",
    "root": "it was made in another folder",
    "lock": f"{LOCK.as_posix()} has changed",
    "project": "the project's own metadata has changed",
}

CPU_ONLY_TORCH = "https://download.pytorch.org/whl/cpu"


class Extra(NamedTuple):
    """Requirements that few commands add to the locked versions."""

    name: str
    packages: str

    @property
    def file(self) -> Path:
        """Return the path of its requirements file in the checkout."""
        return Path("requirements", f"{self.name}.txt")


ORACLES = Extra("oracles", "PyTorch and ONNX")
PEERS = Extra("peers", "PyTorch, ONNX and JAX")


class SetupError(Exception):
    """The environment cannot be made; the message says what to do."""


def say(text: str) -> None:
    """Write one line of progress to stderr."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def clean_environ() -> dict[str, str]:
    """Return the process's environment without what would lead pip or Python out of ``.venv``."""
    strays = {"PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET"}
    kept = {name: value for name, value in os.environ.items() if name not in strays}
    return kept | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def succeeds(*command: str | Path) -> bool:
    """Run a command of the set-up, its output on stderr, and tell whether it succeeded."""
    result = subprocess.run(command, stdout=sys.stderr, env=clean_environ(), check=False)
    return result.returncode == 0


def base_python() -> str:
    """Return the interpreter that runs this, or the one behind it in a virtual environment.

    (The virtual environment may be the very one that is replaced.)
    """
    return getattr(sys, "_base_executable", None) or sys.executable


def python_in(folder: Path) -> Path:
    """Return the path of the interpreter in the virtual environment ``folder``."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def make_venv(folder: Path) -> None:
    """Make a virtual environment that has pip, also with a Python that has no ensurepip."""
    python = base_python()
    if importlib.util.find_spec("ensurepip"):
        if not succeeds(python, "-m", "venv", folder):
            raise SetupError(f"{python} -m venv failed; its words are above.")
    elif not (
        succeeds(python, "-m", "venv", "--without-pip", folder) and _lend_pip(python_in(folder))
    ):
        major, minor = sys.version_info[:2]
        raise SetupError(
            f"this Python ({python}) has no ensurepip, so it cannot make a virtual environment. "
            f"On Debian and Ubuntu: apt install python{major}.{minor}-venv. Then run the same "
            "command again."
        )


def _lend_pip(python: Path) -> bool:
    """Install pip for ``python`` with a pip from elsewhere; only pip 22.3 or newer can."""
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip"]
    elif found := shutil.which("pip3") or shutil.which("pip"):
        pip = [found]
    else:
        return False
    return succeeds(*pip, "--python", python, "install", "-qq", "pip")


def without_hashes(lock: str) -> str:
    """Return the pins of a lock file alone: pip takes no hashes in constraints."""
    lines = (line.removesuffix("\\").rstrip() for line in lock.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith((" ", "#")))


def requirements(file: Path) -> str:
    """Return the text of a requirements file, and of those that it takes in by ``-r``."""
    text = file.read_text("utf-8")
    taken_in = re.findall(r"^-r\s+(\S+)", text, re.MULTILINE)
    return text + "".join(requirements(file.with_name(name)) for name in taken_in)


def digest(text: str) -> str:
    """Return a fingerprint of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Let a second ``dev.py`` wait while a first one sets up (not on Windows)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (root / LOCK).open("rb") as handle:
        # A file system without locks (some network ones) is no reason to stop.
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another dev.py, which is setting up")
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Environment:
    """The ``.venv`` of the checkout in ``root``."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = python_in(self.folder)
        self.stamp_file = self.folder / "dev-stamp.json"

    def script(self, name: str) -> Path:
        """Return the path of a command that an installed package brings."""
        return self.python.with_name(name + self.python.suffix)

    def ensure(self, extra: Extra | None = None) -> None:
        """Build what is missing or out of date."""
        with one_at_a_time(self.root):
            if reason := self.reason_to_build():
                self._build(reason)
            if extra and not self.has(extra):
                self._install(extra)

    def wanted_stamp(self) -> dict[str, str]:
        """Return what an environment made now would be made of."""
        with (self.root / "pyproject.toml").open("rb") as file:
            pyproject = tomllib.load(file)
        parts = json.dumps([pyproject["project"], pyproject["build-system"]], sort_keys=True)
        version = (self.root / "src" / "normlab" / "_version.py").read_text("utf-8")
        return {
            "python": importlib.machinery.EXTENSION_SUFFIXES[0],  # version, platform and ABI
            "root": str(self.root),
            "lock": digest((self.root / LOCK).read_text("utf-8")),
            "project": digest(parts + version),
        }

    def reason_to_build(self) -> str | None:
        """Say why ``.venv`` has to be built, or return None where it is as wanted."""
        if not self.folder.exists():
            return "there is none yet"
        try:
            stamp = json.loads(self.stamp_file.read_text("utf-8"))
        except (OSError, ValueError):
            return "it was never finished"
        if not self.python.exists():  # also a link to an interpreter that is gone
            return "its Python is gone"
        wanted = self.wanted_stamp()
        differing = [name for name in REASONS if stamp.get(name) != wanted[name]]
        return REASONS[differing[0]] if differing else None

    def has(self, extra: Extra) -> bool:
        """Tell whether ``extra`` is installed in the versions asked for."""
        try:
            return self.stamp_file_of(extra).read_text("utf-8") == self.wanted_stamp_of(extra)
        except OSError:
            return False

    def stamp_file_of(self, extra: Extra) -> Path:
        """Return the path of the file that tells what of ``extra`` is installed."""
        return self.folder / f"dev-stamp-{extra.name}.txt"

    def wanted_stamp_of(self, extra: Extra) -> str:
        """Return the stamp of ``extra`` installed now."""
        return digest(requirements(self.root / extra.file))

    def _build(self, reason: str) -> None:
        started = time.perf_counter()
        say(f"building .venv ({reason}); about a minute")
        wanted = self.wanted_stamp()
        _remove(self.folder)
        uv = shutil.which("uv")
        if not (uv and self._build_with_uv(uv)):
            self._build_with_pip()
        self.stamp_file.write_text(json.dumps(wanted, indent=1), "utf-8")
        say(f".venv is ready ({time.perf_counter() - started:.0f} s)")

    def _build_with_uv(self, uv: str) -> bool:
        install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", self.python]
        done = (
            succeeds(uv, "venv", "--quiet", "--seed", "--python", base_python(), self.folder)
            and succeeds(*install, "--only-binary", ":all:", "-r", self.root / LOCK)
            and succeeds(*install, "--no-deps", "--no-build-isolation", "-e", self.root)
        )
        if not done:
            say("uv did not manage; trying pip")
            _remove(self.folder)
        return done

    def _build_with_pip(self) -> None:
        make_venv(self.folder)
        self._pip_install("--only-binary", ":all:", "-r", self.root / LOCK)
        self._pip_install("--no-deps", "--no-build-isolation", "-e", self.root)

    def _install(self, extra: Extra) -> None:
        started = time.perf_counter()
        say(f"installing {extra.packages}, the {extra.name}, into .venv; a few minutes")
        pins = self.folder / "dev-constraints.txt"
        pins.write_text(without_hashes((self.root / LOCK).read_text("utf-8")), "utf-8")
        settings = subprocess.run(
            [self.python, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            env=clean_environ(),
            check=False,
        )
        sources = torch_sources(settings.stdout, sys.platform)
        self._pip_install("-r", self.root / extra.file, "-c", pins, *sources)
        self.stamp_file_of(extra).write_text(self.wanted_stamp_of(extra), "utf-8")
        say(f"the {extra.name} are ready ({time.perf_counter() - started:.0f} s)")

    def _pip_install(self, *what: str | Path) -> None:
        if not succeeds(self.python, "-m", "pip", "install", "-qq", "--no-input", *what):
            raise SetupError("pip failed; its words are above. Then run the same command again.")


def torch_sources(pip_settings: str, platform: str) -> list[str]:
    """Return the pip options that keep several GB of CUDA off a Linux machine.

    Where the user has set sources of packages (``pip config list`` tells), these are meant.
    """
    theirs = ("index-url=", "find-links=", "no-index=")
    if platform != "linux" or any(setting in pip_settings for setting in theirs):
        return []
    return ["--extra-index-url", CPU_ONLY_TORCH]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
