"""Data that worker processes of one machine share: laid out once, and mapped by all.

The process that starts them lays out images as bytes in a temporary folder, which goes when it
ends, even if it is killed: loky's tracker of resources, a process of its own, sees to that. A
worker that finds nothing there, as on another machine, reads the data itself. The bits are the
same.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import numpy as np
from loky.backend import resource_tracker

from normlab.data import Dataset, load_mnist
from normlab.errors import NormlabError
from normlab.lab.config import DataConfig

VARIABLE = "NORMLAB_SHARED_DATA"
"""Tells a worker the folder."""

IMAGES, REST = ("x_train", "x_test"), ("y_train", "y_test", "n_classes", "name")


class SharedData:
    """The folder of a process that starts workers; none where there is no place for it."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        with suppress(OSError):
            self.folder = Path(mkdtemp(prefix="normlab-"))
        if self.folder is not None:
            resource_tracker.register(str(self.folder), "folder")

    def environment(self) -> dict[str, str]:
        """Return what workers must know."""
        return {} if self.folder is None else {VARIABLE: str(self.folder)}

    def lay_out(self, config: DataConfig) -> None:
        """Write the data, if it is not there yet. What is wrong with it is told later."""
        if self.folder is None:
            return
        with suppress(OSError, NormlabError):
            place = self.folder / _key(config)
            if not place.exists():
                _write(_read(config), place)

    def remove(self) -> None:
        """Delete the folder, which no worker must need any more."""
        if self.folder is not None:
            rmtree(self.folder, ignore_errors=True)
            resource_tracker.unregister(str(self.folder), "folder")
            self.folder = None


def stored(config: DataConfig) -> Dataset:
    """Return data with images of bytes, and class indices: mapped where it is laid out, or read."""
    folder = os.environ.get(VARIABLE)
    if folder is not None:
        with suppress(OSError):
            return _mapped(Path(folder) / _key(config))
    return _read(config)


def _key(config: DataConfig) -> str:
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:16]


def _read(config: DataConfig) -> Dataset:
    return load_mnist(
        flatten=False,
        normalize=False,
        directory=config.directory,
        n_train=config.n_train,
        n_test=config.n_test,
    )


def _write(data: Dataset, place: Path) -> None:
    """Write the data beside its place first, and move it there in one step."""
    draft = place.with_suffix(".draft")
    draft.mkdir(exist_ok=True)
    try:
        for name in (*IMAGES, *REST):
            np.save(draft / f"{name}.npy", getattr(data, name))
        draft.rename(place)
    finally:
        rmtree(draft, ignore_errors=True)  # what a full disk has left of it


def _mapped(place: Path) -> Dataset:
    images = {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in IMAGES}
    rest = {name: np.load(place / f"{name}.npy") for name in REST}
    labels = {name: rest[name] for name in ("y_train", "y_test")}
    return Dataset(**images, **labels, n_classes=int(rest["n_classes"]), name=str(rest["name"]))
