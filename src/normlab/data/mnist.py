"""MNIST, bundled in the folder ``mnist`` beside this file, and folders of files like it."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab.data.dataset import Dataset, checked_count
from normlab.data.folder import DataFiles, find_files
from normlab.data.idx import IdxHeader, read_header, read_idx
from normlab.data.labels import first_outside
from normlab.data.labels import one_hot as one_hot_rows
from normlab.errors import DataError

BUNDLED = Path(__file__).parent / "mnist"

MNIST_CLASSES = 10
"""Of MNIST, and of the data sets made to take its place (Fashion-MNIST, Kuzushiji-MNIST)."""

EMNIST_CLASSES = {
    "byclass": 62,
    "bymerge": 47,
    "balanced": 47,
    "letters": 27,  # its labels are 1..26, so class 0 stays empty
    "digits": 10,
    "mnist": 10,
}
"""The splits of EMNIST, which is what their files are named by."""


def load_mnist(
    flatten: bool = True,
    normalize: bool = True,
    one_hot: bool = False,
    directory: str | os.PathLike[str] | None = None,
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    n_classes: int | None = None,
) -> Dataset:
    """Load MNIST, which is bundled, or a data set of the same form from a folder.

    Parameters
    ----------
    flatten : bool, default True
        Rows of shape ``(784,)``; otherwise images of shape ``(28, 28, 1)``, channels last.
    normalize : bool, default True
        Pixels divided by 255, float32 from 0 to 1; otherwise uint8 from 0 to 255, as stored.
    one_hot : bool, default False
        Labels as one-hot float32 rows of shape ``(n, n_classes)``; otherwise int64 class
        indices of shape ``(n,)``.
    directory : path-like, optional
        A folder with the four IDX files of another data set, gzipped or not, under the names
        that MNIST, Fashion-MNIST and EMNIST give them. By default the bundled MNIST: 60,000
        training and 10,000 test images of handwritten digits. Images may have any size.
    n_train, n_test : int, optional
        Load only the first rows; by default all. No time or memory goes into the rest. The rows
        have the same bits whether or not more are loaded.
    n_classes : int, optional
        Number of classes that the labels are held to. By default what the file names say for
        EMNIST (balanced 47, letters 27 as its labels are 1 to 26, ...), otherwise 10.

    Returns
    -------
    Dataset
        With read-only arrays ``x_train``, ``y_train``, ``x_test``, ``y_test``.

    Raises
    ------
    DataError
        A file is missing, or is there twice; is damaged or no IDX file (see ``read_idx``); does
        not hold what its name says; images and labels of different counts; labels outside the
        classes. The message names the file.
    ArgumentError
        More rows asked for than there are.

    Notes
    -----
    Where a file lies both gzipped and unpacked in ``directory``, the unpacked one is read. EMNIST
    stores its images transposed; they are given as stored.

    MNIST was made by Y. LeCun, C. Cortes and C. J. C. Burges and is under the licence Creative
    Commons Attribution-ShareAlike 3.0, which is another than that of the code.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998.

    Examples
    --------
    >>> from normlab.data import load_mnist
    >>> load_mnist(n_train=1000)
    MNIST: 1,000 training and 10,000 test rows of (784,), float32, 10 classes
    >>> data = load_mnist(flatten=False, normalize=False, one_hot=True, n_train=100, n_test=10)
    >>> data.x_train.shape, data.x_train.dtype, data.y_train.shape
    ((100, 28, 28, 1), dtype('uint8'), (100, 10))
    """
    remedy = "A folder is given as directory=." if isinstance(flatten, str | os.PathLike) else ""
    _checks.require(isinstance(flatten, bool), "flatten", "be True or False", flatten, remedy)
    files = find_files(BUNDLED if directory is None else Path(directory))
    train_shape = _checked_shape(files.train_images, files.train_labels)
    test_shape = _checked_shape(files.test_images, files.test_labels)
    _check_image_sizes(files, train_shape, test_shape)
    n_train = checked_count("n_train", n_train, train_shape[0])
    n_test = checked_count("n_test", n_test, test_shape[0])
    n_classes = _expected_classes(files.name, n_classes)
    y_train = _labels(files.train_labels, n_classes)[:n_train]
    y_test = _labels(files.test_labels, n_classes)[:n_test]
    return Dataset(
        x_train=_images(files.train_images, n_train, flatten, normalize),
        y_train=one_hot_rows(y_train, n_classes) if one_hot else y_train,
        x_test=_images(files.test_images, n_test, flatten, normalize),
        y_test=one_hot_rows(y_test, n_classes) if one_hot else y_test,
        n_classes=n_classes,
        name="MNIST" if directory is None else files.name,
    )


def _checked_shape(images: Path, labels: Path) -> tuple[int, ...]:
    """Return the shape of the images after checking, by the headers alone, that the two fit."""
    image_header = read_header(images)
    label_header = read_header(labels)
    _check_holds(images, image_header, "images (n x height x width values of uint8)", 3)
    _check_holds(labels, label_header, "labels (n values of uint8)", 1)
    if image_header.shape[0] != label_header.shape[0]:
        raise DataError(
            f"{images.name} and {labels.name} in {images.parent} must hold as many images as"
            f" labels, got {image_header.shape[0]:,} images and {label_header.shape[0]:,} labels."
        )
    return image_header.shape


def _check_holds(path: Path, header: IdxHeader, what: str, n_dimensions: int) -> None:
    if len(header.shape) != n_dimensions or header.dtype != np.uint8:
        raise DataError(f"{path} must hold {what}, got {header}.")


def _check_image_sizes(files: DataFiles, train: tuple[int, ...], test: tuple[int, ...]) -> None:
    if train[1:] != test[1:]:
        raise DataError(
            f"{files.test_images} must hold images of {train[1]} x {train[2]} pixels, as"
            f" {files.train_images.name} does, got {test[1]} x {test[2]}."
        )


def _expected_classes(name: str, n_classes: int | None) -> int:
    """Return the number of classes: as given, else as the name of an EMNIST split says, else 10."""
    if n_classes is not None:
        return _checks.integer("n_classes", n_classes, at_least=1)
    split = re.fullmatch(r"emnist-(\w+)", name, flags=re.IGNORECASE)
    return EMNIST_CLASSES.get(split[1].lower(), MNIST_CLASSES) if split else MNIST_CLASSES


def _labels(path: Path, n_classes: int) -> NDArray[np.int64]:
    """Read all labels of a file, which is small, and hold them to the classes."""
    labels = read_idx(path).astype(np.int64)
    row = first_outside(labels, n_classes)
    if row is not None:
        raise DataError(
            f"{path} must hold labels of the {n_classes} classes 0 to {n_classes - 1},"
            f" got {labels[row]} in row {row}."
            f" If the data set has more classes, say so: n_classes={labels.max() + 1}."
        )
    return labels


def _images(path: Path, n_rows: int, flatten: bool, normalize: bool) -> NDArray[Any]:
    """Read the first images; with ``normalize``, one pass from uint8 to float32 pixels in 0..1."""
    stored = read_idx(path, limit=n_rows)
    images = stored.reshape(n_rows, -1) if flatten else stored[..., np.newaxis]
    return np.divide(images, 255, dtype=np.float32) if normalize else images
