"""What is compiled is kept on disk; and where that goes wrong it is only compiled again."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from normlab.kernels import _compile
from normlab.kernels._compile import MADE_FROM, compiled, digest


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where kernels are kept, in a folder of its own."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def twice(x: float) -> float:
    return 2 * x


def found_on_disk() -> bool:
    """Compile as a new process would, see that it is right, and say where it came from."""
    kernel: Any = compiled(twice)
    assert kernel(1.5) == 3.0
    n_found: int = sum(kernel.stats.cache_hits.values())
    return n_found == 1


def test_what_was_compiled_is_found_again() -> None:
    assert [found_on_disk() for _ in range(2)] == [False, True]


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def overwrite(file: Path) -> None:
    file.write_bytes(b"something else")


@pytest.mark.parametrize("spoil", [empty, cut, overwrite])
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_spoiled_files_are_made_anew(
    folder: Path, ending: str, spoil: Callable[[Path], None]
) -> None:
    found_on_disk()
    (file,) = folder.rglob(f"*.{ending}")
    spoil(file)
    assert [found_on_disk() for _ in range(2)] == [False, True]


@pytest.mark.parametrize("changed", range(len(MADE_FROM)))
def test_what_was_made_from_something_else_is_made_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, changed: int
) -> None:
    """Kernels hold code of each other: also where the disk was full, and only the index is new."""
    with monkeypatch.context() as before:
        stamp: list[Any] = [*MADE_FROM]
        stamp[changed] = "something else"
        before.setattr(_compile, "MADE_FROM", tuple(stamp))
        assert [found_on_disk() for _ in range(2)] == [False, True]
        (old,) = (file.read_bytes() for file in folder.rglob("*.nbc"))
    assert [found_on_disk() for _ in range(2)] == [False, True]
    (file,) = folder.rglob("*.nbc")
    file.write_bytes(old)
    assert [found_on_disk() for _ in range(2)] == [False, True]


def test_any_file_changes_what_kernels_are_made_from(tmp_path: Path) -> None:
    folder = Path(_compile.__file__).parent
    assert MADE_FROM[0] == digest(folder)
    for name in ("dense.py", "_floats.py"):
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        assert digest(tmp_path / name) == MADE_FROM[0]
        with (tmp_path / name / name).open("a") as file:
            file.write("#")
        assert digest(tmp_path / name) != MADE_FROM[0]


def test_code_for_other_types_is_not_taken(folder: Path) -> None:
    """As is named in an index that two processes wrote at once."""
    kernel: Any = compiled(twice)
    assert (kernel(1.5), kernel(2)) == (3.0, 4)
    first, second = folder.rglob("*.nbc")
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    kernel = compiled(twice)
    assert (kernel(1.5), kernel(2)) == (3.0, 4)
    assert not kernel.stats.cache_hits


def test_what_cannot_be_written_is_compiled_all_the_same(folder: Path) -> None:
    kernel: Any = compiled(twice)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    assert kernel(1.5) == 3.0
    assert folder.read_text() == "in the way"


def test_what_was_compiled_is_found_without_what_compiles_it() -> None:
    """Which Numba would import first, and with it SciPy's linear algebra."""
    program = """
import sys
import numpy as np
import normlab as nl
data = nl.load_mnist(n_train=100)
for optimizer in ("sgd", "adam"):
    spec = nl.MLPSpec(sizes=(784, 8, 10), normalization="batch")
    config = nl.TrainingConfig(steps=2, batch_size=50, optimizer=optimizer)
    network = nl.build_mlp(spec, rng=np.random.default_rng(0))
    nl.train(network, data, config, rng=np.random.default_rng(1))
print([m for m in ("scipy.linalg", "numba.typed.typeddict") if m in sys.modules])
"""
    command = [sys.executable, "-c", program]
    for _ in range(2):  # the first may compile
        done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
