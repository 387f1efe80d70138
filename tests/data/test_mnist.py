import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_files import digits, pixels, write_folder, write_idx

from normlab.data import Dataset, load_mnist
from normlab.data.mnist import BUNDLED
from normlab.errors import ArgumentError, DataError

TRAIN = digits(3, 0, 9, 1, 1)
TEST = digits(9, 2)


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_mnist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path, TRAIN, TEST)


@pytest.mark.parametrize(
    ("name", "size", "md5"),
    [
        ("train-images-idx3-ubyte", 47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
        ("train-labels-idx1-ubyte", 60_008, "a25bea736e30d166cdddb491f175f624"),
        ("t10k-images-idx3-ubyte", 7_840_016, "2646ac647ad5339dbf082846283269ea"),
        ("t10k-labels-idx1-ubyte", 10_008, "27ae3e4e09519cfbb04c329615203637"),
    ],
)
def test_bundled_file_unpacks_to_the_published_one(name: str, size: int, md5: str) -> None:
    data = gzip.decompress((BUNDLED / f"{name}.gz").read_bytes())
    assert len(data) == size
    assert hashlib.md5(data, usedforsecurity=False).hexdigest() == md5


def test_licence_beside_the_data_names_makers_and_terms() -> None:
    text = (BUNDLED / "LICENSE").read_text(encoding="utf-8")
    for words in ("LeCun", "Cortes", "Burges", "https://creativecommons.org/licenses/by-sa/3.0/"):
        assert words in text


def test_mnist_is_complete(mnist: Dataset) -> None:
    expected = "MNIST: 60,000 training and 10,000 test rows of (784,), float32, 10 classes"
    assert repr(mnist) == expected


def test_each_digit_occurs_as_often_as_published(mnist: Dataset) -> None:
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    np.testing.assert_array_equal(np.bincount(mnist.y_train), train)
    np.testing.assert_array_equal(np.bincount(mnist.y_test), test)


def test_first_labels_are_those_everyone_knows(mnist: Dataset) -> None:
    np.testing.assert_array_equal(mnist.y_train[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    assert mnist.y_train.dtype == np.int64


def test_pixels_have_the_mean_and_deviation_everyone_uses(mnist: Dataset) -> None:
    assert mnist.x_train.mean() == pytest.approx(0.1307, abs=5e-5)
    assert mnist.x_train.std() == pytest.approx(0.3081, abs=5e-5)


def test_first_rows_have_the_same_bits_as_in_the_whole(mnist: Dataset) -> None:
    part = load_mnist(n_train=77, n_test=13)
    assert part.x_train.tobytes() == mnist.x_train[:77].tobytes()
    assert part.y_train.tobytes() == mnist.y_train[:77].tobytes()
    assert part.x_test.tobytes() == mnist.x_test[:13].tobytes()
    assert part.y_test.tobytes() == mnist.y_test[:13].tobytes()


def test_normalized_pixels_are_the_stored_ones_over_255_in_float32(mnist: Dataset) -> None:
    stored = load_mnist(normalize=False, n_train=500, n_test=1).x_train
    assert stored.dtype == np.uint8
    expected = stored.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(mnist.x_train[:500], expected, strict=True)


def test_images_are_channels_last_when_not_flattened(mnist: Dataset) -> None:
    images = load_mnist(flatten=False, n_train=20, n_test=1).x_train
    assert images.shape == (20, 28, 28, 1)
    np.testing.assert_array_equal(images.reshape(20, 784), mnist.x_train[:20])


def test_one_hot_labels_are_float32_rows(mnist: Dataset) -> None:
    labels = load_mnist(one_hot=True, n_train=30, n_test=1).y_train
    assert labels.shape == (30, 10)
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels.argmax(axis=1), mnist.y_train[:30])


def test_arrays_are_read_only() -> None:
    data = load_mnist(n_train=1, n_test=1)
    with pytest.raises(ValueError, match="read-only"):
        data.x_train[0, 0] = 1


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"n_train": 60_001}, r"^n_train must be at most 60000, the number .* got 60001\.$"),
        ({"n_test": 10_001}, r"^n_test must be at most 10000, the number .* got 10001\.$"),
        ({"n_train": 0}, r"^n_train must be an integer of at least 1, got 0\.$"),
    ],
)
def test_more_rows_than_there_are_is_refused(counts: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        load_mnist(**counts)


def test_folder_given_as_first_argument_is_refused_with_the_remedy(folder: Path) -> None:
    path: Any = str(folder)
    with pytest.raises(ArgumentError, match=r"^flatten must be True .* is given as directory=\.$"):
        load_mnist(path)


def test_folder_is_read_instead_of_the_bundle(folder: Path) -> None:
    data = load_mnist(directory=folder)
    np.testing.assert_array_equal(data.y_train, TRAIN)
    np.testing.assert_array_equal(data.y_test, TEST)
    np.testing.assert_array_equal(data.x_test, pixels(2).reshape(2, 16) / np.float32(255))


def test_folder_of_gzipped_files_with_dots_is_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, TRAIN, TEST, dash=".", suffix=".gz")
    assert load_mnist(directory=str(folder)).x_train.shape == (5, 16)


def test_images_that_are_not_square_keep_height_and_width(folder: Path) -> None:
    for part, labels in (("train", TRAIN), ("t10k", TEST)):
        images = np.zeros((len(labels), 2, 3), dtype=np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte", images)
    assert load_mnist(flatten=False, directory=folder).x_train.shape == (5, 2, 3, 1)


@pytest.mark.parametrize(
    ("split", "n_classes"),
    [("letters", 27), ("balanced", 47), ("byclass", 62), ("digits", 10)],
)
def test_splits_of_emnist_have_their_classes(tmp_path: Path, split: str, n_classes: int) -> None:
    labels = digits(1, n_classes - 1)
    folder = write_folder(tmp_path, labels, labels, prefix=f"emnist-{split}-", test="test")
    data = load_mnist(directory=folder, one_hot=True)
    assert (data.n_classes, data.y_train.shape) == (n_classes, (2, n_classes))
    assert data.name == f"emnist-{split}"


def test_classes_do_not_depend_on_which_rows_are_loaded(folder: Path) -> None:
    assert load_mnist(directory=folder, n_train=1, n_test=1).n_classes == 10


def test_number_of_classes_can_be_given(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, digits(0, 99), digits(98))
    assert load_mnist(directory=folder, n_classes=100, one_hot=True).y_train.shape == (2, 100)


def test_label_outside_the_ten_classes_is_refused_with_the_remedy(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, TRAIN, digits(9, 12))
    message = (
        r"t10k-labels-idx1-ubyte must hold labels of the 10 classes 0 to 9, got 12 in row 1\."
        r" If the data set has more classes, say so: n_classes=13\.$"
    )
    with pytest.raises(DataError, match=message):
        load_mnist(directory=folder)


def test_label_outside_the_given_classes_is_refused(folder: Path) -> None:
    message = r"train-labels.* must hold labels of the 3 classes 0 to 2, got 3 in row 0\."
    with pytest.raises(DataError, match=message):
        load_mnist(directory=folder, n_classes=3)


def test_label_outside_the_classes_is_refused_even_behind_the_rows_loaded(folder: Path) -> None:
    write_idx(folder / "train-labels-idx1-ubyte", digits(0, 1, 2, 3, 200))
    with pytest.raises(DataError, match="got 200 in row 4"):
        load_mnist(directory=folder, n_train=2)


def test_images_and_labels_of_different_counts_are_refused_by_both_names(folder: Path) -> None:
    write_idx(folder / "t10k-labels-idx1-ubyte", digits(1, 2, 3))
    message = (
        r"^t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte in .* must hold as many images as"
        r" labels, got 2 images and 3 labels\.$"
    )
    with pytest.raises(DataError, match=message):
        load_mnist(directory=folder, n_train=1, n_test=1)


def test_labels_in_the_place_of_images_are_refused(folder: Path) -> None:
    write_idx(folder / "train-images-idx3-ubyte", TRAIN)
    message = r"train-images-idx3-ubyte must hold images \(n x .*got 5 values of uint8\.$"
    with pytest.raises(DataError, match=message):
        load_mnist(directory=folder)


def test_images_in_the_place_of_labels_are_refused(folder: Path) -> None:
    write_idx(folder / "train-labels-idx1-ubyte", pixels(5))
    message = r"train-labels-idx1-ubyte must hold labels \(n .*got 5 x 4 x 4 values of uint8\.$"
    with pytest.raises(DataError, match=message):
        load_mnist(directory=folder)


def test_labels_that_are_no_bytes_are_refused(folder: Path) -> None:
    write_idx(folder / "train-labels-idx1-ubyte", np.zeros(5, dtype=np.float32))
    with pytest.raises(DataError, match=r"must hold labels \(n .*got 5 values of float32\.$"):
        load_mnist(directory=folder)


def test_training_and_test_images_of_different_sizes_are_refused(folder: Path) -> None:
    write_idx(folder / "t10k-images-idx3-ubyte", pixels(2, size=5))
    message = r"t10k-images.* must hold images of 4 x 4 pixels, as train-images.* got 5 x 5\.$"
    with pytest.raises(DataError, match=message):
        load_mnist(directory=folder)


def test_damaged_file_of_a_folder_is_named(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte must hold .*the file is cut sho"):
        load_mnist(directory=folder)
