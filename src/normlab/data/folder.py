"""Which file of a folder is which: the names that MNIST and its relatives go by.

All of them have training and test images and labels in four IDX files, gzipped or not, named
in the manner of ``train-images-idx3-ubyte.gz``. What differs: the test files are called ``t10k``
or ``test``; the name may begin with the data set and its split (``emnist-digits-train-...``); a
dot may stand before ``idx3``.
"""

import re
from pathlib import Path
from typing import NamedTuple

from normlab.errors import DataError

NAME = re.compile(
    r"(?:(?P<data_set>\w.*)-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)"
    r"(?:[-.]idx[\w-]*)?(?P<gzipped>\.gz)?"
)


UNREADABLE: dict[type[OSError], str] = {
    FileNotFoundError: "no folder of that name",
    NotADirectoryError: "a file",
}
"""What there is in the place of a folder."""


class DataFiles(NamedTuple):
    """The four files of a data set, and what it is called."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path
    name: str  # the data set as the file names say it, "emnist-digits"; else the folder's name


def find_files(directory: Path) -> DataFiles:
    """Find the four files of one data set in a folder.

    Raises
    ------
    DataError
        If there is no such folder, if one of the four is missing, or if there are several
        candidates for one, naming what was looked for and what is there.
    """
    try:
        found = _candidates(directory)
    except OSError as error:
        got = UNREADABLE.get(type(error), f"this on reading: {error.strerror}")
        raise DataError(f"{directory} must be a folder of IDX files, got {got}.") from None
    train_images, train_set = _the_one(directory, found, "train", "images")
    train_labels, labels_set = _the_one(directory, found, "train", "labels")
    test_images, test_set = _the_one(directory, found, "test", "images")
    test_labels, test_labels_set = _the_one(directory, found, "test", "labels")
    data_sets = {train_set, labels_set, test_set, test_labels_set}
    if len(data_sets) > 1:
        names = ", ".join(sorted(repr(name) for name in data_sets))
        raise DataError(f"{directory} must hold the four files of one data set, got {names}.")
    name = train_set or directory.resolve().name
    return DataFiles(train_images, train_labels, test_images, test_labels, name)


Candidates = dict[tuple[str, str], dict[str, tuple[Path, str]]]
"""(part, kind) -> name without ".gz" -> (path, data set)."""


def _candidates(directory: Path) -> Candidates:
    """Sort the files of a folder by what their names say; unpacked goes before gzipped."""
    found: Candidates = {}
    for path in sorted(directory.iterdir()):
        match = NAME.fullmatch(path.name)
        if match is not None and path.is_file():
            part = "train" if match["part"] == "train" else "test"
            same_name = found.setdefault((part, match["kind"]), {})
            same_name.setdefault(path.name.removesuffix(".gz"), (path, match["data_set"] or ""))
    return found


def _the_one(directory: Path, found: Candidates, part: str, kind: str) -> tuple[Path, str]:
    """Return the only candidate for one of the four files."""
    candidates = list(found.get((part, kind), {}).values())
    if len(candidates) == 1:
        return candidates[0]
    stem = "train" if part == "train" else "t10k (or test)"
    wanted = f"{stem}-{kind}-idx{3 if kind == 'images' else 1}-ubyte[.gz]"
    if not candidates:
        present = _listing(
            [path.name + "/" * path.is_dir() for path in sorted(directory.iterdir())]
        )
        raise DataError(f"{directory} must hold a file {wanted}, got none among {present}.")
    names = _listing([path.name for path, _ in candidates])
    raise DataError(
        f"{directory} must hold one file {wanted}, got {len(candidates)}: {names}."
        " Give each data set a folder of its own."
    )


def _listing(names: list[str], most: int = 8) -> str:
    """Join names for a message, and say how many are left out."""
    if not names:
        return "no files"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
