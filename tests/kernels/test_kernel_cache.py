"""What is compiled is kept on disk; and where that goes wrong it is only compiled again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from normlab.kernels._compile import compiled


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


def test_without_a_folder_each_process_compiles(folder: Path) -> None:
    kernel: Any = compiled(twice)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    assert kernel(1.5) == 3.0
    assert not found_on_disk()
    assert folder.read_text() == "in the way"
