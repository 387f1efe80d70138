from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from normlab.lab.factors import Factor, Space, find_level, grid, set_field


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


BATCH: dict[str, Any] = {
    "name": "fixed",
    "set": {"network.normalization": "batch", "network.scale": False},
}


def test_a_named_level_sets_several_fields() -> None:
    named = Factor.model_validate({"field": "network.normalization", "levels": ["none", BATCH]})
    assert named.values == ("none", "fixed")
    assert named.settings("none") == {"network.normalization": "none"}
    assert named.settings("fixed") == BATCH["set"]
    assert named.fields == ("network.normalization", "network.scale")


def test_named_levels_alone_need_no_field() -> None:
    assert Factor.model_validate({"levels": [BATCH]}).fields == tuple(BATCH["set"])


def test_a_named_level_may_set_a_list_under_a_number() -> None:
    sizes = [784, 10, 10]
    depth = Factor.model_validate({"levels": [{"name": 1, "set": {"network.sizes": sizes}}]})
    assert depth.values == (1,)
    assert depth.settings(1) == {"network.sizes": sizes}


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"levels": ["a"]}, "must have a field, or levels that say what they set"),
        ({"field": "x", "levels": [BATCH]}, "must have no field where every level says"),
        ({"levels": [{"name": "a", "set": {}}]}, "at least 1 item"),
        ({"levels": [BATCH, BATCH]}, "must have levels that differ"),
    ],
)
def test_what_a_factor_needs_is_said(fields: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        Factor.model_validate(fields)


def test_a_number_is_found_among_the_levels_though_written_shorter() -> None:
    levels = (1.0, 0.54116953, "he", True)
    assert find_level(levels, 1) == 0
    assert find_level(levels, 0.5411695) == 1
    assert find_level(levels, "he") == 2
    assert find_level(levels, True) == 3
    assert find_level(levels, 0.54) is None


def test_of_levels_that_are_close_each_is_itself() -> None:
    levels = (1_000_000, 1_000_001)
    assert [find_level(levels, level) for level in levels] == [0, 1]
