import errno
import os
from pathlib import Path
from typing import Any

import pytest

from normlab.errors import StoreError
from normlab.lab.files import delete_file, read_file, write_file


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_file(path, b"before")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreError, match=r"a\.json: cannot be .*: No space left on device\. Make"):
        write_file(path, b"after")
    assert path.read_bytes() == b"before"
    assert [*tmp_path.iterdir()] == [path]


def test_an_interrupt_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a.json", b"after")
    assert [*tmp_path.iterdir()] == []


def test_two_who_write_one_file_are_not_in_each_others_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "a.json", os.fsync

    def meanwhile(descriptor: int) -> None:
        real(descriptor)
        monkeypatch.setattr(os, "fsync", real)
        write_file(path, b"the other's")

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_file(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert [*tmp_path.iterdir()] == [path]


def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read: Is a directory"):
        read_file(tmp_path)


def test_what_is_not_there_needs_no_deleting(tmp_path: Path) -> None:
    delete_file(tmp_path / "a")
    with pytest.raises(StoreError, match="cannot be deleted"):
        delete_file(tmp_path)
