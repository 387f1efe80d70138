"""What keeps a training from being run, found before anything runs.

Data, network and training may each be right and still not fit together. How large the data is, is
read from the headers of its files.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import NamedTuple

from normlab.data import load_mnist
from normlab.data.folder import find_files
from normlab.data.idx import read_header
from normlab.data.mnist import BUNDLED
from normlab.errors import DataError
from normlab.lab.config import DataConfig, SetUp
from normlab.network import CNNSpec, MLPSpec, NetworkSpec
from normlab.training import TrainingConfig

MOST_WEIGHTS = 1_000_000_000
MOST_STEPS = 1_000_000_000
MOST_RECORDS = 1_000_000
MOST_PROBED = 10_000
"""Beyond these a training would not end, or not fit into memory."""


class DataSize(NamedTuple):
    """How large a data set is."""

    n_train: int
    n_test: int
    image_shape: tuple[int, ...]
    n_classes: int


def obstacles(config: SetUp) -> Iterator[str]:
    """Yield what keeps the training of ``config`` from being run, a sentence each."""
    try:
        size = _size(config.data.directory)
    except DataError as error:
        yield f"data.directory: {error}"
        return
    yield from _of_data(config.data, size)
    yield from _of_network(config.network, size)
    yield from _of_training(config.training, min(config.data.n_train or size.n_train, size.n_train))
    if config.training.batch_size == 1 and config.network.normalization == "batch":
        yield "training.batch_size: must be at least 2 with batch normalization, got 1"


def _of_data(data: DataConfig, size: DataSize) -> Iterator[str]:
    for name, there in (("n_train", size.n_train), ("n_test", size.n_test)):
        wanted = getattr(data, name)
        if wanted is not None and wanted > there:
            yield f"data.{name}: must be at most {there}, the images there are, got {wanted}"


def _of_network(network: NetworkSpec, size: DataSize) -> Iterator[str]:
    yield from _of_mlp(network, size) if isinstance(network, MLPSpec) else _of_cnn(network, size)


def _of_mlp(network: MLPSpec, size: DataSize) -> Iterator[str]:
    first, last, n_pixels = network.sizes[0], network.sizes[-1], prod(size.image_shape)
    if first != n_pixels:
        yield f"network.sizes: must begin with {n_pixels}, the pixels an image, got {first}"
    if last != size.n_classes:
        yield f"network.sizes: must end with {size.n_classes}, the classes, got {last}"
    yield from _too_many_weights("network.sizes", _n_weights(network.sizes))


def _of_cnn(network: CNNSpec, size: DataSize) -> Iterator[str]:
    for field, there in (("image_shape", size.image_shape), ("n_classes", size.n_classes)):
        if (asked := getattr(network, field)) != there:
            yield f"network.{field}: must be {there}, as in the data, got {asked}"
    channels = (network.image_shape[2], *network.maps)
    n_weights = network.kernel_size**2 * _n_weights(channels) + _n_weights(network.dense_sizes)
    yield from _too_many_weights("network", n_weights)


def _n_weights(sizes: tuple[int, ...]) -> int:
    return sum(n_inputs * n_outputs for n_inputs, n_outputs in pairwise(sizes))


def _too_many_weights(place: str, n_weights: int) -> Iterator[str]:
    if n_weights > MOST_WEIGHTS:
        yield f"{place}: must make at most {MOST_WEIGHTS} weights, got {n_weights}"


def _of_training(training: TrainingConfig, n_train: int) -> Iterator[str]:
    if not training.replacement and training.batch_size > n_train:
        yield (
            f"training.batch_size: must be at most {n_train}, the training images, without"
            f" replacement, got {training.batch_size}"
        )
    last = training.n_steps(n_train)
    if last > MOST_STEPS:
        yield f"training: must take at most {MOST_STEPS} steps, got {last}"
        return
    yield from _of_records(training, n_train)
    firsts = {"recording": training.recording.first_step, "probes": training.probes.first_step}
    for part, first in firsts.items():
        if first is not None and first > last and (part != "probes" or training.probes.names):
            yield (
                f"training.{part}.first_step: must be at most {last}, the last step, got {first}"
            )


def _of_records(training: TrainingConfig, n_train: int) -> Iterator[str]:
    recorded, probed = training.recorded_steps(n_train), training.probed_steps(n_train)
    for part, n in (("recording", len(recorded)), ("probes", len(probed))):
        if n > MOST_RECORDS:
            yield f"training.{part}: must record at most {MOST_RECORDS} times, got {n}"
    for name in ("units", "bins"):
        if (n := getattr(training.probes, name)) > MOST_PROBED:
            yield f"training.probes.{name}: must be at most {MOST_PROBED}, got {n}"


@lru_cache
def _size(directory: str | None) -> DataSize:
    files = find_files(BUNDLED if directory is None else Path(directory))
    one = load_mnist(flatten=False, directory=directory, n_train=1, n_test=1)
    n_train, n_test = (
        read_header(images).shape[0] for images in (files.train_images, files.test_images)
    )
    return DataSize(n_train, n_test, one.x_train.shape[1:], one.n_classes)
