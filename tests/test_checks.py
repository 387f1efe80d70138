"""How errors are worded: "<argument> must <rule>, got <value>.", and the remedy."""

import re
from typing import Any

import numpy as np
import pytest

from normlab import _checks
from normlab.errors import ArgumentError, NormlabError, ShapeError


def refuses(message: str, error: type[Exception] = ArgumentError) -> Any:
    """Expect an error whose whole message is this."""
    return pytest.raises(error, match=f"^{re.escape(message)}$")


def test_require_says_argument_rule_and_value() -> None:
    with refuses("rate must be even, got 3."):
        _checks.require(False, "rate", "be even", 3)


def test_require_adds_a_remedy() -> None:
    with refuses("rate must be even, got '3'. Double it."):
        _checks.require(False, "rate", "be even", "3", "Double it.")


def test_require_lets_pass_what_holds() -> None:
    _checks.require(True, "rate", "be even", 3)


def test_argument_errors_are_value_errors_of_ours() -> None:
    with pytest.raises(ValueError, match="must") as caught:
        _checks.integer("n", -1, at_least=0)
    assert isinstance(caught.value, NormlabError)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_an_integer_comes_back_as_a_python_int(value: Any) -> None:
    assert type(_checks.integer("n", value, at_least=3)) is int


@pytest.mark.parametrize("value", [2, 3.0, "3", None, True, np.float64(3), np.array([3])])
def test_what_is_no_large_enough_integer_is_refused(value: Any) -> None:
    with refuses(f"n must be an integer of at least 3, got {value!r}."):
        _checks.integer("n", value, at_least=3)


def test_an_integer_that_compiled_code_cannot_hold_is_refused() -> None:
    assert _checks.integer("n", 2**63 - 1) == 2**63 - 1
    with refuses(f"n must be an integer of at most {2**63 - 1}, got {2**63}."):
        _checks.integer("n", 2**63, at_least=3)


def test_a_number_too_long_to_be_shown_is_told_of() -> None:
    with refuses(
        f"n must be an integer of at most {2**63 - 1}, got more digits than can be shown."
    ):
        _checks.integer("n", 10**5000)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.int64(1)])
def test_a_real_number_comes_back_as_a_python_float(value: Any) -> None:
    found = _checks.real("p", value, above=0, at_most=1)
    assert type(found) is float
    assert found == value


@pytest.mark.parametrize(
    ("bounds", "stated"),
    [
        ({}, "be a finite number"),
        ({"above": 0}, "be a finite number above 0"),
        ({"at_least": 0, "below": 1}, "be a finite number at least 0 and below 1"),
        ({"at_least": 0, "at_most": 0.5}, "be a finite number at least 0 and at most 0.5"),
    ],
)
def test_the_bounds_of_a_real_number_are_stated(bounds: dict[str, float], stated: str) -> None:
    with refuses(f"p must {stated}, got 'x'."):
        _checks.real("p", "x", **bounds)


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, None, True, 1j, np.array([1.0]), 10**400]
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with refuses(f"p must be a finite number, got {value!r}."):
        _checks.real("p", value)


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.0, {"above": 0}),
        (-1e-9, {"at_least": 0}),
        (1.0, {"below": 1}),
        (1.0 + 1e-9, {"at_most": 1}),
    ],
)
def test_a_bound_is_kept_on_its_own_side(value: float, bounds: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=r"^p must be a finite number"):
        _checks.real("p", value, **bounds)


@pytest.mark.parametrize("bounds", [{"at_least": 1}, {"at_most": 1}, {"above": 0, "below": 2}])
def test_a_value_on_or_inside_a_bound_is_taken(bounds: dict[str, float]) -> None:
    assert _checks.real("p", 1.0, **bounds) == 1


def test_a_choice_that_is_near_one_is_told_which() -> None:
    message = "name must be one of 'relu', 'tanh', got 'rellu'. Did you mean 'relu'?"
    with refuses(message):
        _checks.one_of("name", "rellu", ("relu", "tanh"))


@pytest.mark.parametrize("value", ["zzz", 3, None])
def test_a_choice_that_is_near_none_is_told_all(value: Any) -> None:
    with refuses(f"name must be one of 'relu', 'tanh', got {value!r}."):
        _checks.one_of("name", value, ("relu", "tanh"))


def test_a_choice_among_many_comes_back() -> None:
    assert _checks.one_of("name", "tanh", {"relu": 1, "tanh": 2}) == "tanh"


@pytest.mark.parametrize("value", ["float32", np.float64, np.dtype("f4"), float])
def test_float_dtypes_come_back_as_dtypes(value: Any) -> None:
    assert _checks.float_dtype("dtype", value) == np.dtype(value)


@pytest.mark.parametrize("value", ["int32", "float16", "nonsense", 7, ">f4"])
def test_other_dtypes_are_refused(value: Any) -> None:
    with refuses(f"dtype must be float32 or float64, got {value!r}."):
        _checks.float_dtype("dtype", value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_float_array_comes_back_itself(dtype: str) -> None:
    x = np.zeros(3, dtype)
    assert _checks.float_array("x", x) is x


@pytest.mark.parametrize(("value", "kind"), [([1.0], "list"), (1.0, "float"), (None, "NoneType")])
def test_what_is_no_array_is_refused_with_how_to_convert_it(value: Any, kind: str) -> None:
    message = (
        f"x must be a NumPy array of float32 or float64, got {kind}."
        " Convert it with np.asarray(x, dtype=np.float32)."
    )
    with refuses(message):
        _checks.float_array("x", value)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float16", "bool", "complex64"])
def test_an_array_of_another_dtype_is_refused_with_how_to_convert_it(dtype: str) -> None:
    message = f"x must be of dtype float32 or float64, got {dtype}. Convert it with x.astype"
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}"):
        _checks.float_array("x", np.zeros(3, dtype))


def test_two_shapes_that_differ_are_both_named() -> None:
    with refuses("dy must have shape (2, 3), got (3, 2).", ShapeError):
        _checks.same_shape("dy", (3, 2), (2, 3))


def test_two_shapes_that_agree_pass() -> None:
    _checks.same_shape("dy", (2, 3), (2, 3))


def test_a_generator_comes_back_itself() -> None:
    rng = np.random.default_rng(0)
    assert _checks.generator("rng", rng) is rng


@pytest.mark.parametrize("value", [0, None, np.random])
def test_what_is_no_generator_is_refused_with_how_to_make_one(value: Any) -> None:
    message = (
        f"rng must be a numpy.random.Generator, got {value!r}."
        " Make one with np.random.default_rng(seed)."
    )
    with refuses(message):
        _checks.generator("rng", value)


def test_a_choice_in_capitals_is_known_again() -> None:
    with pytest.raises(ArgumentError, match=r"got 'SAME'\. Did you mean 'same'\?$"):
        _checks.one_of("padding", "SAME", ("same", "valid"))
