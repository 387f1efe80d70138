"""Files that appear under their name complete or not at all, whenever the program is stopped."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from secrets import token_hex
from typing import Any

from normlab.errors import StoreError

DRAFTS = ".*.draft"


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error.strerror}.") from None


def is_file(path: Path) -> bool:
    """Return whether there is a file; not where the path is too long, or in a locked folder."""
    try:
        return path.is_file()
    except OSError:
        return False


def write_file(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file whole: beside its place first, then moved there in one step."""
    draft = path.with_name(f".{path.name}.{token_hex(4)}.draft")
    try:
        with draft.open("xb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        remedy = " Make room; what is stored is kept." if error.errno == ENOSPC else ""
        raise StoreError(f"{path}: cannot be written: {error.strerror}.{remedy}") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_json(path: Path, tree: Mapping[str, Any]) -> None:
    """Write a dictionary, for programs and people."""
    write_file(path, f"{json.dumps(tree, indent=1)}\n".encode())


def read_file(path: Path) -> bytes:
    """Return what is in a file; ``FileNotFoundError`` where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}.") from None


def delete_file(path: Path) -> None:
    """Delete a file if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be deleted: {error.strerror}.") from None
