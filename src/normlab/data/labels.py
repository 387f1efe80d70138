"""Class labels: indices, and their one-hot rows."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from normlab import _checks
from normlab._typing import FloatArray, IntArray


def one_hot(labels: ArrayLike, n_classes: int, dtype: DTypeLike = np.float32) -> FloatArray:
    """Turn class indices into one-hot rows: 1 in the column of the class, 0 elsewhere.

    Parameters
    ----------
    labels : array_like of integers, shape (n,)
        Class indices, each from 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes, at least 1.
    dtype : float32 or float64, default float32
        The dtype of the result.

    Returns
    -------
    ndarray, shape (n, n_classes)

    Raises
    ------
    ArgumentError
        For labels that are no integers, not one-dimensional, or outside the classes.

    Examples
    --------
    >>> from normlab.data import one_hot
    >>> one_hot([2, 0], n_classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    n_classes = _checks.integer("n_classes", n_classes, at_least=1)
    float_type = _checks.float_dtype("dtype", dtype)
    indices = np.asarray(labels)
    is_row_of_integers = indices.ndim == 1 and indices.dtype.kind in "iu"
    got = f"{indices.dtype} of shape {indices.shape}"
    _checks.require(is_row_of_integers, "labels", "be integers of shape (n,)", got)
    check_inside("labels", indices, n_classes)
    rows = np.zeros((len(indices), n_classes), dtype=float_type)
    rows[np.arange(len(indices)), indices] = 1
    return rows


def check_inside(argument: str, labels: IntArray, n_classes: int) -> None:
    """Raise ``ArgumentError`` unless every label is from 0 to ``n_classes - 1``."""
    row = first_outside(labels, n_classes)
    if row is not None:
        rule = f"hold class indices from 0 to {n_classes - 1}"
        _checks.require(False, argument, rule, int(labels[row]), f"It stands in row {row}.")


def first_outside(labels: IntArray, n_classes: int) -> int | None:
    """Return the first row whose label is not from 0 to ``n_classes - 1``, if there is one."""
    outside: np.ndarray[Any, np.dtype[np.bool_]] = (labels < 0) | (labels >= n_classes)
    return int(outside.argmax()) if outside.any() else None
