"""Training and test arrays that belong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab.data.labels import check_inside
from normlab.data.pixels import Pixels
from normlab.errors import ArgumentError, ShapeError


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Dataset:
    """Training and test rows with their labels, checked once and read-only from then on.

    Parameters
    ----------
    x_train, x_test : ndarray of float32, float64 or uint8, shape (n, ...)
        One row an example, features on the last axis: ``(n, features)`` or
        ``(n, height, width, channels)``. The two have one dtype, and rows of one shape.
    y_train, y_test : ndarray of integers, shape (n,), or of floats, shape (n, n_classes)
        Class indices from 0 to ``n_classes - 1``, or one-hot rows in float32 or float64; both in
        the same form.
    n_classes : int, optional
        Number of classes. By default the largest class index of both parts plus one, or the
        number of columns of one-hot rows.
    name : str, default "Dataset"
        What the data set is called, for people.

    Raises
    ------
    ArgumentError
        Naming the array and the rule it breaks; ``ShapeError`` where two shapes do not fit.

    Notes
    -----
    The arrays are not copied: the data set holds read-only views of the arrays given, which stay
    writable where they were.

    Examples
    --------
    >>> import numpy as np
    >>> from normlab.data import Dataset
    >>> x = np.zeros((6, 2), dtype=np.float32)
    >>> y = np.array([0, 1, 2, 0, 1, 2])
    >>> data = Dataset(x[:4], y[:4], x[4:], y[4:], name="Toy")
    >>> data
    Toy: 4 training and 2 test rows of (2,), float32, 3 classes
    >>> data.first(3)
    Toy: 3 training and 2 test rows of (2,), float32, 3 classes
    """

    x_train: NDArray[Any]  # or Pixels, of which rows are taken in the same way
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    n_classes: int
    name: str

    def __init__(  # by hand, because n_classes may be left out and is an int all the same
        self,
        x_train: NDArray[Any] | Pixels,
        y_train: NDArray[Any],
        x_test: NDArray[Any] | Pixels,
        y_test: NDArray[Any],
        n_classes: int | None = None,
        name: str = "Dataset",
    ) -> None:
        _check_rows("x_train", x_train)
        _check_rows("x_test", x_test)
        _check_alike(x_train, x_test)
        _check_labels("train", y_train, len(x_train))
        _check_labels("test", y_test, len(x_test))
        values = {
            "x_train": _rows(x_train),
            "y_train": _read_only(y_train),
            "x_test": _rows(x_test),
            "y_test": _read_only(y_test),
            "n_classes": _checked_classes(y_train, y_test, n_classes),
            "name": name,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    def first(self, n_train: int | None, n_test: int | None = None) -> "Dataset":
        """Return the data set of the first rows, without copying.

        Parameters
        ----------
        n_train, n_test : int or None
            Number of training and of test rows, at least 1; None keeps all.

        Raises
        ------
        ArgumentError
            If more rows are asked for than there are; the message names both numbers.
        """
        train = checked_count("n_train", n_train, len(self.x_train))
        test = checked_count("n_test", n_test, len(self.x_test))
        return Dataset(
            self.x_train[:train],
            self.y_train[:train],
            self.x_test[:test],
            self.y_test[:test],
            n_classes=self.n_classes,
            name=self.name,
        )

    def __repr__(self) -> str:
        return (
            f"{self.name}: {len(self.x_train):,} training and {len(self.x_test):,} test rows"
            f" of {self.x_train.shape[1:]}, {self.x_train.dtype}, {self.n_classes} classes"
        )


def checked_count(argument: str, value: int | None, available: int) -> int:
    """Return how many of the available rows are asked for; None asks for all."""
    if value is None:
        return available
    count = _checks.integer(argument, value, at_least=1)
    rule = f"be at most {available}, the number of rows there are"
    _checks.require(count <= available, argument, rule, count)
    return count


def _check_rows(argument: str, x: Any) -> None:
    is_array = isinstance(x, np.ndarray | Pixels)
    if not is_array or x.dtype not in (np.float32, np.float64, np.uint8):
        got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise ArgumentError(
            f"{argument} must be a NumPy array of float32, float64 or uint8, got {got}."
            f" Convert it with np.asarray({argument}, dtype=np.float32)."
        )
    remedy = "A single feature a row is a column: reshape(-1, 1)." if x.ndim == 1 else ""
    rule = "have the shape (n, features) or (n, height, width, channels), n at least 1"
    _checks.require(x.ndim >= 2 and len(x) > 0, argument, rule, x.shape, remedy)


def _check_alike(x_train: NDArray[Any] | Pixels, x_test: NDArray[Any] | Pixels) -> None:
    if x_train.dtype != x_test.dtype:
        raise ArgumentError(
            f"x_test must be of the dtype of x_train, {x_train.dtype}, got {x_test.dtype}."
        )
    if x_train.shape[1:] != x_test.shape[1:]:
        raise ShapeError(
            f"x_test must have rows of the shape {x_train.shape[1:]}, as x_train has,"
            f" got {x_test.shape[1:]}."
        )


def _check_labels(part: str, y: Any, n_rows: int) -> None:
    kind = y.dtype.kind if isinstance(y, np.ndarray) else ""
    is_indices = kind in ("i", "u") and y.ndim == 1
    is_one_hot = kind == "f" and y.ndim == 2 and y.dtype in (np.float32, np.float64)
    if not is_indices and not is_one_hot:
        got = f"{y.dtype} of shape {y.shape}" if kind else type(y).__name__
        raise ArgumentError(
            f"y_{part} must be a NumPy array of integers of shape (n,) or one-hot rows of float32"
            f" or float64 of shape (n, n_classes), got {got}."
        )
    if len(y) != n_rows:
        raise ShapeError(
            f"y_{part} must have one label for each of the {n_rows} rows of x_{part}, got {len(y)}."
        )


def _checked_classes(y_train: NDArray[Any], y_test: NDArray[Any], n_classes: int | None) -> int:
    """Return the number of classes, inferred where it is not given, after checking the labels."""
    if n_classes is not None:
        n_classes = _checks.integer("n_classes", n_classes, at_least=1)
    if y_train.ndim != y_test.ndim:
        raise ShapeError(
            "y_train and y_test must both be class indices or both one-hot rows,"
            f" got the shapes {y_train.shape} and {y_test.shape}."
        )
    if y_train.ndim == 1:
        count = n_classes or max(int(y_train.max()), int(y_test.max()), 0) + 1
        check_inside("y_train", y_train, count)
        check_inside("y_test", y_test, count)
        return count
    count = n_classes or y_train.shape[1]
    _checks.same_shape("y_train", y_train.shape, (len(y_train), count))
    _checks.same_shape("y_test", y_test.shape, (len(y_test), count))
    return count


def _rows(x: Any) -> Any:
    return x if isinstance(x, Pixels) else _read_only(x)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view
