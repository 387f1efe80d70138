"""Argument checks that several modules share, and the wording that all follow.

Every message reads "<argument> must <rule>, got <value>.", plus the remedy where one mistake
is likely.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from math import isfinite
from numbers import Integral, Real
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray
from normlab.errors import ArgumentError, ShapeError

MOST = 2**63 - 1
"""The largest integer: compiled code holds no larger one."""

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def require(condition: bool, argument: str, rule: str, value: object, remedy: str = "") -> None:
    """Raise ``ArgumentError`` unless ``condition`` holds."""
    if not condition:
        tail = f" {remedy}" if remedy else ""
        raise ArgumentError(f"{argument} must {rule}, got {_shown(value)}.{tail}")


def _shown(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "more digits than can be shown"


def integer(argument: str, value: Any, *, at_least: int | None = None) -> int:
    """Return ``value`` as an int that fits into 64 bits, at least ``at_least`` where given."""
    rule = "be an integer" if at_least is None else f"be an integer of at least {at_least}"
    require(is_integer(value) and (at_least is None or value >= at_least), argument, rule, value)
    require(abs(int(value)) <= MOST, argument, f"be an integer of at most {MOST}", value)
    return int(value)


def is_integer(value: Any) -> bool:
    """Return whether ``value`` is an integer; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def real(
    argument: str,
    value: Any,
    *,
    above: float = -np.inf,
    at_least: float = -np.inf,
    below: float = np.inf,
    at_most: float = np.inf,
) -> float:
    """Return ``value`` as a finite float between the bounds."""
    bounds = [
        ("above", above, -np.inf),
        ("at least", at_least, -np.inf),
        ("below", below, np.inf),
        ("at most", at_most, np.inf),
    ]
    stated = " and ".join(
        f"{word} {bound:g}" for word, bound, open_end in bounds if bound != open_end
    )
    rule = f"be a finite number {stated}".rstrip()
    inside = _is_finite(value) and above < value < below and at_least <= value <= at_most
    require(inside, argument, rule, value)
    return float(value)


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def boolean(argument: str, value: Any) -> bool:
    """Return ``value`` if it is True or False."""
    require(isinstance(value, bool | np.bool_), argument, "be True or False", value)
    return bool(value)


def instance(argument: str, value: Any, kind: type, remedy: str = "") -> None:
    """Raise ``ArgumentError`` unless ``value`` is a ``kind``."""
    if not isinstance(value, kind):
        tail = f" {remedy}" if remedy else ""
        name = kind.__name__
        vowels = "AEFHILMNORSX" if name[:2].isupper() else "AEIO"  # an M-L-P spec, a C-N-N spec
        article = "an" if name[0] in vowels else "a"
        raise ArgumentError(
            f"{argument} must be {article} {name}, got {type(value).__name__}.{tail}"
        )


def one_of(argument: str, value: Any, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of ``choices``; otherwise name the nearest one."""
    rule = "be one of " + ", ".join(repr(choice) for choice in choices)
    is_one = isinstance(value, str) and value in choices
    near = []
    if isinstance(value, str) and not is_one:
        near = get_close_matches(value, choices, n=1) or get_close_matches(value.lower(), choices)
    remedy = f"Did you mean {near[0]!r}?" if near else ""
    require(is_one, argument, rule, value, remedy)
    return str(value)


def float_dtype(argument: str, value: Any) -> np.dtype[np.floating[Any]]:
    """Return ``value`` as the dtype float32 or float64."""
    try:
        dtype = np.dtype(object if value is None else value)  # NumPy takes None for float64
    except TypeError:
        dtype = np.dtype(object)
    require(dtype in FLOATS, argument, "be float32 or float64", value)
    return cast(np.dtype[np.floating[Any]], dtype)


def float_array(argument: str, value: Any) -> FloatArray:
    """Return ``value`` as a float32 or float64 array; other dtypes and objects are refused."""
    if not isinstance(value, np.ndarray):
        raise ArgumentError(
            f"{argument} must be a NumPy array of float32 or float64, got {type(value).__name__}."
            f" Convert it with np.asarray({argument}, dtype=np.float32)."
        )
    if value.dtype not in FLOATS:
        raise ArgumentError(
            f"{argument} must be of dtype float32 or float64, got {value.dtype}."
            f" Convert it with {argument}.astype(np.float32)."
        )
    return value


def upstream(dy: Any, shape: tuple[int, ...], dtype: Any) -> FloatArray:
    """Return ``dy``, the gradient of an output of this shape and dtype, in that dtype."""
    float_array("dy", dy)
    same_shape("dy", dy.shape, shape)
    return cast(FloatArray, dy if dy.dtype == dtype else dy.astype(dtype))


def writeable(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ``ArgumentError`` where one of the named arrays, which are to change, is read-only."""
    for name, array in arrays.items():
        if not array.flags.writeable:
            raise ArgumentError(f"{name} must be writeable, got a read-only array.")


def same_shape(argument: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise ``ShapeError`` unless ``shape`` is ``expected``."""
    if shape != expected:
        raise ShapeError(f"{argument} must have shape {expected}, got {shape}.")


def generator(argument: str, value: Any) -> np.random.Generator:
    """Return ``value`` if it is a ``numpy.random.Generator``."""
    if not isinstance(value, np.random.Generator):
        raise ArgumentError(
            f"{argument} must be a numpy.random.Generator, got {value!r}."
            " Make one with np.random.default_rng(seed)."
        )
    return value
