"""Losses; see ``kernels.losses``."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab._typing import FloatArray, Target
from normlab.errors import ArgumentError, ShapeError
from normlab.kernels import losses


class Loss(Protocol):
    """A function of the network's output and the target."""

    def __call__(self, y: FloatArray, target: Target) -> tuple[float, FloatArray]:
        """Return the value and its gradient dy."""


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy together: ``loss(y, target) -> (value, dy)``.

    ::

        p     = exp(y) / sum(exp(y))                     of each row
        value = -sum(target log p) / n
        dy    = (p - target) / n

    Parameters of the call
    ----------------------
    y
        Outputs before the softmax ("logits"), ``(n, n_classes)``.
    target
        Class indices ``(n,)``, integers in 0..n_classes - 1, or rows of probabilities
        ``(n, n_classes)`` such as one-hot.

    Raises
    ------
    ArgumentError, ShapeError
        By the call, for ``y`` that is no float array ``(n, n_classes)``, both at least 1, and for a
        target that does not fit it.

    Notes
    -----
    Stable: outputs may be large, no exponential overflows, and the logarithm is never taken of a
    probability that was rounded to 0. The mean is over rows, as in PyTorch's default.

    Examples
    --------
    >>> import numpy as np
    >>> value, dy = SoftmaxCrossEntropy()(np.array([[0.0, 0.0]]), np.array([1]))
    >>> round(value, 4), dy
    (0.6931, array([[ 0.5, -0.5]]))
    """

    def __call__(self, y: FloatArray, target: Target) -> tuple[float, FloatArray]:
        """Return the value and dy."""
        require_rows(y)
        target = as_target(target)
        if target.ndim == 2:
            _checks.same_shape("target", target.shape, y.shape)
            return losses.cross_entropy_of_one_hot(y, target.astype(y.dtype, copy=False))
        require_class_indices(target, *y.shape)
        return losses.cross_entropy_of_indices(y, target)

    def __repr__(self) -> str:
        return "SoftmaxCrossEntropy()"


class SquaredError:
    """Half the squared error: ``loss(y, target) -> (value, dy)``.

    ::

        value = sum((y - target)^2) / (2 n)
        dy    = (y - target) / n

    ``y`` and ``target`` are ``(n, n_outputs)``; the sum is over outputs, the mean over the n
    rows. (PyTorch's ``MSELoss`` has no half, and takes the mean over outputs too.)

    Raises
    ------
    ArgumentError, ShapeError
        By the call, for ``y`` that is no float array ``(n, n_outputs)``, both at least 1, and for a
        target that does not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError()(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    (2.5, array([[1., 2.]]))
    """

    def __call__(self, y: FloatArray, target: Target) -> tuple[float, FloatArray]:
        """Return the value and dy."""
        require_rows(y)
        target = as_target(target)
        _checks.same_shape("target", target.shape, y.shape)
        return losses.squared_error(y, target.astype(y.dtype, copy=False))

    def __repr__(self) -> str:
        return "SquaredError()"


def as_target(target: Any) -> NDArray[Any]:
    """Return a target as an array of numbers in the byte order of this machine."""
    try:
        array = np.asarray(target)
    except ValueError:
        raise ArgumentError("target must have rows of one length, got several.") from None
    if array.dtype.kind not in "biuf":
        raise ArgumentError(f"target must be an array of numbers, got dtype {array.dtype}.")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def require_class_indices(target: Target, n_rows: int, n_classes: int) -> None:
    """Raise ``ArgumentError`` unless ``target`` holds n_rows integers in 0..n_classes - 1."""
    if target.shape != (n_rows,):
        raise ShapeError(
            f"target must have shape ({n_rows},) for class indices or ({n_rows}, {n_classes}) for"
            f" one-hot rows, got {target.shape}."
        )
    if target.dtype.kind not in "iu":
        raise ArgumentError(f"target must be integers when it is ({n_rows},), got {target.dtype}.")
    wrong = losses.first_outside(target, n_classes)
    if wrong >= 0:
        rule = f"be class indices in 0..{n_classes - 1}"
        raise ArgumentError(f"target must {rule}, got {target[wrong]} in row {wrong}.")


def require_rows(y: FloatArray) -> None:
    """Raise unless ``y`` is a float array ``(n, n_outputs)``, both at least 1."""
    _checks.float_array("y", y)
    if y.ndim != 2 or 0 in y.shape:
        raise ShapeError(f"y must have shape (n, n_outputs), both at least 1, got {y.shape}.")
