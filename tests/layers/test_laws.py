"""Every layer against every law."""

import re
from typing import Any

import numpy as np
import pytest

import normlab.layers
from layers.cases import CASES, Case
from layers.laws import LAWS, LAYOUTS, Law
from normlab.errors import ArgumentError, ShapeError
from normlab.layers import Layer

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@every_case
def test_law(case: Case, law: Law, training: bool) -> None:
    law(case, training)


def test_the_table_holds_every_public_layer() -> None:
    public = {getattr(normlab.layers, name) for name in normlab.layers.__all__} - {Layer}
    assert {type(case.make("float64")) for case in CASES} == public


def test_the_table_holds_every_subclass_of_layer_in_the_package() -> None:
    def leaves(cls: Any) -> set[Any]:
        below = [c for c in cls.__subclasses__() if c.__module__.startswith("normlab.")]
        return {cls} if not below else set().union(*(leaves(c) for c in below))

    assert {type(case.make("float64")) for case in CASES} == leaves(Layer)


def test_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@every_case
def test_cases_stand_away_from_the_defaults(case: Case) -> None:
    fresh, layer = case.make("float64"), case.layer()
    for name, array in (layer.parameters | layer.statistics).items():
        default = (fresh.parameters | fresh.statistics)[name]
        assert not np.any(array == default), name


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name != "read-only"])
def test_layouts_are_not_contiguous_and_hold_the_same_values(name: str) -> None:
    x = np.random.default_rng(0).standard_normal((4, 3, 2))
    assert not LAYOUTS[name](x).flags.c_contiguous
    np.testing.assert_array_equal(LAYOUTS[name](x), x)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.wrong_shape is not None], ids=lambda case: case.name
)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_a_wrong_input_shape_is_refused_and_named(case: Case, training: bool) -> None:
    assert case.wrong_shape is not None
    with pytest.raises(ShapeError, match=r"^x must have .*" + re.escape(str(case.wrong_shape))):
        case.layer().forward(np.zeros(case.wrong_shape), training=training)


@pytest.mark.parametrize("dtype", ["int64", "float16", "bool", "complex128", "object", ">f8"])
@every_case
def test_an_input_of_another_dtype_is_refused(case: Case, dtype: str) -> None:
    x = np.ones(case.shape, dtype=dtype)
    with pytest.raises(ArgumentError, match=r"^x must be of dtype float32 or float64, got "):
        case.layer().forward(x, training=True)


@every_case
def test_a_list_is_refused(case: Case) -> None:
    with pytest.raises(ArgumentError, match=r"^x must be a NumPy array .* got list\."):
        case.layer().forward(case.batch(1).tolist(), training=True)


@every_case
def test_output_shape_tells_the_shape_of_an_output_row(case: Case) -> None:
    y, _ = case.layer().forward(case.batch(1), training=True)
    assert case.layer().output_shape(case.shape[1:]) == y.shape[1:]


@every_case
def test_only_batch_normalization_has_statistics(case: Case) -> None:
    assert bool(case.layer().statistics) == case.name.startswith("BatchNorm")


@every_case
def test_repr_names_the_class(case: Case) -> None:
    layer = case.layer()
    assert re.fullmatch(rf"{type(layer).__name__}\(.*\)", repr(layer))
