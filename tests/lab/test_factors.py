from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from normlab.lab.factors import Factor, Space, grid, set_field


def factor(**levels: Any) -> Factor:
    return Factor(field="network.weight_init", **levels)


def test_a_linspace_has_both_ends_and_even_distances() -> None:
    assert factor(linspace=Space(start=0, stop=1, num=5)).values == (0, 0.25, 0.5, 0.75, 1)


def test_a_logspace_has_exponents_of_10() -> None:
    values = factor(logspace=Space(start=0, stop=-3, num=4)).values
    assert values == pytest.approx((1, 0.1, 0.01, 0.001))


def test_levels_keep_their_types() -> None:
    levels = (1, 0.5, "he", True)
    assert [type(value) for value in factor(levels=levels[1:]).values] == [float, str, bool]
    assert type(factor(levels=levels[:3]).values[0]) is int


def test_levels_of_a_space_are_python_floats() -> None:
    values = factor(logspace=Space(start=0, stop=1, num=2)).values
    assert [type(value) for value in values] == [float, float]


@pytest.mark.parametrize(
    "levels",
    [{}, {"levels": ()}, {"levels": (1,), "linspace": Space(start=0, stop=1, num=2)}],
)
def test_exactly_one_kind_of_levels(levels: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of levels, linspace and logspace"):
        factor(**levels)


def test_the_last_factor_varies_fastest() -> None:
    levels = grid({"a": factor(levels=(1, 2)), "b": factor(levels=("x", "y"))})
    assert [tuple(row.values()) for row in levels] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_levels_over_two_orders_of_magnitude_are_geometric() -> None:
    assert factor(levels=(1.0, 0.1, 0.01)).is_geometric
    assert factor(logspace=Space(start=0, stop=1, num=3)).is_geometric


@pytest.mark.parametrize("levels", [(1, 2, 3), (0.0, 0.1, 100.0), (1.0, 100.0), ("a", "b", "c")])
def test_other_levels_are_not_geometric(levels: tuple[Any, ...]) -> None:
    assert not factor(levels=levels).is_geometric


def test_a_field_is_set_deep_in_a_tree() -> None:
    tree = {"a": {"b": 1}, "c": 2}
    set_field(tree, "a.d.e", 3)
    assert tree == {"a": {"b": 1, "d": {"e": 3}}, "c": 2}


def test_setting_a_level_is_exact() -> None:
    value = float(np.logspace(0, -4, 16)[7])
    tree: dict[str, Any] = {}
    set_field(tree, "x", value)
    assert tree["x"] == value
