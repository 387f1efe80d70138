"""One training, resolved: everything that its result depends on, as data."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, Tag

from normlab.data.folder import find_files
from normlab.lab.validation import Model, kind_of
from normlab.network import CNNSpec, MLPSpec
from normlab.training import TrainingConfig

NetworkConfig: TypeAlias = Annotated[
    Annotated[MLPSpec, Tag("mlp")] | Annotated[CNNSpec, Tag("cnn")],
    Discriminator(kind_of),
]
"""The spec of the kind that is named; without a name, of the first."""


class DataConfig(Model):
    """MNIST, or a folder of IDX files in its form; all rows or the first ones."""

    directory: str | None = None
    n_train: int | None = Field(default=None, ge=1)
    n_test: int | None = Field(default=None, ge=1)


class SetUp(Model):
    """What can be set in an experiment, and can vary in it."""

    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig


class TrialConfig(SetUp):
    """One training: its set-up, and the two numbers that its random draws come from."""

    seed: int
    replicate: int
    data_digest: str | None = None  # of the files of data.directory; the bundled ones never change


@lru_cache
def digest(directory: str) -> str:
    """Return a fingerprint of the data files in a folder, so that other data is another trial."""
    *paths, _ = find_files(Path(directory))
    sums = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]
    return hashlib.sha256("".join(sums).encode()).hexdigest()[:16]
