"""One training, resolved: everything that its result depends on, as data."""

from pydantic import Field

from normlab.lab.model import Model
from normlab.network import MLPSpec
from normlab.training import TrainingConfig


class DataConfig(Model):
    """MNIST, or a folder of IDX files in its form; all rows or the first ones."""

    directory: str | None = None
    n_train: int | None = Field(default=None, ge=1)
    n_test: int | None = Field(default=None, ge=1)


class SetUp(Model):
    """What can be set in an experiment, and can vary in it."""

    data: DataConfig
    network: MLPSpec
    training: TrainingConfig


class TrialConfig(SetUp):
    """One training: its set-up, and the two numbers that its random draws come from."""

    seed: int
    replicate: int
