"""Data of one's own: its sizes are read before anything runs."""

import struct
from pathlib import Path

import pytest

from lab.tiny import TINY, load
from normlab import lab
from normlab.errors import ExperimentError
from normlab.lab.config import digest
from normlab.lab.identity import trial_id


def write_images(path: Path, n: int) -> None:
    """An IDX file of ``n`` images of 4 x 4 pixels."""
    path.write_bytes(struct.pack(">2xBB3I", 8, 3, n, 4, 4) + bytes(range(16)) * n)


def write_labels(path: Path, *labels: int) -> None:
    path.write_bytes(struct.pack(">2xBBI", 8, 1, len(labels)) + bytes(labels))


@pytest.fixture
def text(tmp_path: Path) -> str:
    """The tiny experiment on 3 training and 2 test images of 4 x 4 pixels."""
    write_images(tmp_path / "train-images-idx3-ubyte", 3)
    write_labels(tmp_path / "train-labels-idx1-ubyte", 0, 1, 2)
    write_images(tmp_path / "t10k-images-idx3-ubyte", 2)
    write_labels(tmp_path / "t10k-labels-idx1-ubyte", 3, 9)
    data = f"directory = '{tmp_path}'\nn_train = 3\nn_test = 2"
    return TINY.replace("n_train = 200\nn_test = 100", data).replace("784", "16")


def test_images_of_another_size_fit_a_network_of_that_size(text: str, tmp_path: Path) -> None:
    results = lab.run(load(tmp_path, text), tmp_path / "out", n_workers=1)
    assert (len(results.trials), results.failures) == (8, ())


def test_pixels_are_counted_in_the_folder(text: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"sizes: must begin with 16, .* got 784"):
        load(tmp_path, text.replace("[16,", "[784,"))


def test_images_are_counted_in_the_folder(text: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"n_train: must be at most 3, .* got 4"):
        load(tmp_path, text.replace("n_train = 3", "n_train = 4"))


def test_data_files_that_do_not_fit_are_named(text: str, tmp_path: Path) -> None:
    write_labels(tmp_path / "train-labels-idx1-ubyte", 0, 1)
    with pytest.raises(ExperimentError, match=r"data\.directory: train-images.* as many images"):
        load(tmp_path, text)


def test_levels_that_do_not_fit_together_are_named(text: str, tmp_path: Path) -> None:
    settings = {
        "training.replacement": False,
        "factors.rows": {"field": "data.n_train", "levels": [2, 3]},
        "factors.batch": {"field": "training.batch_size", "levels": [2, 3]},
    }
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path, text, settings)
    assert str(caught.value) == (
        "tiny.toml with the fields set: factors, with rows = 2, batch = 3: training.batch_size:"
        " must be at most 2, the training images, without replacement, got 3"
    )


def test_other_data_under_the_same_path_is_another_trial(text: str, tmp_path: Path) -> None:
    before = load(tmp_path, text).resolve({}, replicate=0)
    write_labels(tmp_path / "t10k-labels-idx1-ubyte", 4, 9)
    digest.cache_clear()
    after = load(tmp_path, text).resolve({}, replicate=0)
    assert trial_id(before) != trial_id(after)
