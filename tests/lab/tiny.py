"""An experiment of eight trainings that takes a tenth of a second."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from normlab import lab
from normlab.lab import Experiment, Results
from normlab.lab.config import TrialConfig
from normlab.lab.design import Design
from normlab.lab.factors import Levels

TINY = """\
name = "tiny"
title = "A tiny experiment"
question = "Does it run?"
replicates = 2
seed = 0

[data]
n_train = 200
n_test = 100

[network]
sizes = [784, 10, 10]
activation = "relu"

[training]
learning_rate = 0.1
batch_size = 20
replacement = true
steps = 11

[training.recording]
first_step = 1
every = 5
test = "last"

[factors.weight_scale]
field = "network.weight_init"
levels = [0.1, 0.01]

[factors.normalization]
field = "network.normalization"
levels = ["none", "batch"]

[contrast]
factor = "normalization"
baseline = "none"
treatment = "batch"
response = "train_accuracy"
"""

CNN = (
    TINY.replace("sizes = [784, 10, 10]", 'kind = "cnn"\nmaps = [2]\nkernel_size = 3\nhidden = [4]')
    .replace('weight_scale]\nfield = "network.weight_init"', "initial_gamma]")
    .replace(
        "levels = [0.1, 0.01]",
        "levels = [{name = '1', set = {'network.gamma_init' = 'ones'}},"
        " {name = 'drawn', set = {'network.gamma_init' = 0.1}}]",
    )
    .replace("n_train = 200", "n_train = 60")
)
"""The same of a convolutional network, with another factor than the scale of weights.

Without normalization, how gamma starts does nothing.
"""

FIGURE = """
[[figures]]
kind = "small-multiples"
file = "panels"
panels = "weight_scale"
lines = "normalization"
response = "train_accuracy"
"""

CLAIM = """
[[claims]]
statement = "Normalization helps."
about = "speed"
source = "somebody"
response = "train_accuracy"
direction = "larger"
"""


def edited(old: str, new: str, text: str = TINY) -> str:
    """The text with ``old``, which must be in it, replaced."""
    assert old in text
    return text.replace(old, new)


def load(
    folder: Path, text: str | bytes = TINY, settings: Mapping[str, Any] | None = None
) -> Experiment:
    """Write an experiment's file, and load it."""
    path = folder / "tiny.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return lab.load(str(path), settings)


def config(folder: Path, replicate: int = 0, **settings: Any) -> TrialConfig:
    """The first trial; ``training__steps=3`` sets ``training.steps``."""
    fields = {name.replace("__", "."): value for name, value in settings.items()}
    levels: Levels = {"weight_scale": 0.1, "normalization": "batch"}
    return load(folder, settings=fields).resolve(levels, replicate)


def trials(experiment: Experiment) -> Iterator[tuple[Levels, int, TrialConfig]]:
    """Every trial: levels, replicate, configuration; one replicate after the other."""
    design = Design(experiment)
    return ((*place, design.config(i)) for i in range(len(design)) for place in design.places(i))


def run(folder: Path, n_workers: int = 1, **settings: Any) -> Results:
    """Run the tiny experiment into ``folder / "out"``."""
    fields = {name.replace("__", "."): value for name, value in settings.items()}
    return lab.run(load(folder, settings=fields), folder / "out", n_workers=n_workers)


def stored_bytes(folder: Path) -> dict[str, bytes]:
    """Every stored file of a run that is to be reproducible, to the bit."""
    paths = [folder / "experiment.json", *(folder / "trials").iterdir()]
    return {path.name: path.read_bytes() for path in paths}


def is_gone(pid: int) -> bool:
    """Whether no process of that number runs, other than one that waits to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"
