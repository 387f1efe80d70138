"""The laws that every layer obeys, each a function that fails on a layer that does not."""

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from layers.cases import Array, Case
from normlab import gradcheck
from normlab.errors import ShapeError

GRADIENT_TOLERANCE = 1e-6

Law = Callable[[Case, bool], None]
"""(case, training); where the law is about one mode only, the second is not looked at."""


def gradients_agree_along_a_random_direction(case: Case, training: bool) -> None:
    error = gradcheck.directional(
        case.layer(), case.batch(1), rng=np.random.default_rng(2), training=training
    )
    assert error < GRADIENT_TOLERANCE, error


def gradients_agree_element_by_element(case: Case, training: bool) -> None:
    errors = gradcheck.elementwise(
        case.layer(), case.batch(1), rng=np.random.default_rng(2), training=training
    )
    assert {name: e for name, e in errors.items() if not e < GRADIENT_TOLERANCE} == {}


def forward_changes_nothing(case: Case, training: bool) -> None:
    layer, x = case.layer(), case.batch(1)
    before = _bytes(layer, x=x)
    layer.forward(x, training=training)
    assert _bytes(layer, x=x) == before


def backward_changes_nothing(case: Case, training: bool) -> None:
    layer, x, dy = case.layer(), case.batch(1), case.upstream(2)
    _, cache = layer.forward(x, training=training)
    before = _bytes(layer, x=x, dy=dy, **_arrays_in(cache))
    layer.backward(dy, cache)
    assert _bytes(layer, x=x, dy=dy, **_arrays_in(cache)) == before


def interleaved_forwards_do_not_disturb_each_other(case: Case, training: bool) -> None:
    layer, dy = case.layer(), case.upstream(3)
    alone = copy.deepcopy(layer)
    y, cache = alone.forward(case.batch(1), training=training)
    expected = y.tobytes(), _backward_bytes(alone, dy, cache)
    y, cache = layer.forward(case.batch(1), training=training)
    layer.forward(case.batch(2), training=True)
    layer.forward(case.batch(2), training=False)
    assert (y.tobytes(), _backward_bytes(layer, dy, cache)) == expected


def outputs_have_the_dtype_of_the_input(case: Case, training: bool) -> None:
    for layer_dtype in ("float32", "float64"):
        for dtype in ("float32", "float64"):
            layer = case.layer(layer_dtype)
            y, cache = layer.forward(case.batch(1, dtype), training=training)
            dx, _ = layer.backward(case.upstream(2, dtype), cache)
            assert [y.dtype, dx.dtype] == [np.dtype(dtype)] * 2


def gradients_have_dtype_and_shape_of_their_parameters(case: Case, training: bool) -> None:
    for dtype in ("float32", "float64"):
        layer = case.layer(dtype)
        y, cache = layer.forward(case.batch(1, "float32"), training=training)
        _, gradients = layer.backward(y, cache)
        found = {name: (g.dtype, g.shape) for name, g in gradients.items()}
        assert found == {name: (p.dtype, p.shape) for name, p in layer.parameters.items()}


def any_memory_layout_gives_the_same(case: Case, training: bool) -> None:
    x, dy = case.batch(1), case.upstream(2)
    expected = _both_ways(case, x, dy, training)
    for layout, lay_out in LAYOUTS.items():
        found = _both_ways(case, lay_out(x), lay_out(dy), training)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14, err_msg=layout)


def parameter_gradients_are_those_of_backward(case: Case, training: bool) -> None:
    layer, dy = case.layer(), case.upstream(2)
    _, cache = layer.forward(case.batch(1), training=training)
    expected = {name: g.tobytes() for name, g in layer.backward(dy, cache)[1].items()}
    found = {name: g.tobytes() for name, g in layer.parameter_gradients(dy, cache).items()}
    assert found == expected


def evaluation_of_a_batch_is_evaluation_row_by_row(case: Case, training: bool) -> None:
    layer, x = case.layer(), case.batch(1)
    axis = _axis_of_rows(layer)
    whole, _ = layer.forward(x, training=False)
    rows = [layer.forward(row, training=False)[0] for row in np.split(x, x.shape[axis], axis)]
    np.testing.assert_allclose(np.concatenate(rows, axis), whole, rtol=1e-13, atol=1e-15)


def no_rows_have_no_gradient(case: Case, training: bool) -> None:
    layer, x = case.layer(), case.batch(1)
    no_rows = np.delete(x, slice(None), _axis_of_rows(layer))
    y, cache = layer.forward(no_rows, training=False)
    dx, gradients = layer.backward(y, cache)
    assert (y.size, dx.shape) == (0, no_rows.shape)
    assert {name: g.any() for name, g in gradients.items()} == dict.fromkeys(gradients, False)


def a_wrong_gradient_shape_is_refused_with_both_shapes(case: Case, training: bool) -> None:
    layer, dy = case.layer(), case.upstream(2)
    _, cache = layer.forward(case.batch(1), training=training)
    message = re.escape(f"dy must have shape {dy.shape}, got {dy[:-1].shape}.")
    with pytest.raises(ShapeError, match=f"^{message}$"):
        layer.backward(dy[:-1], cache)


LAWS: list[Law] = [
    gradients_agree_along_a_random_direction,
    gradients_agree_element_by_element,
    forward_changes_nothing,
    backward_changes_nothing,
    interleaved_forwards_do_not_disturb_each_other,
    outputs_have_the_dtype_of_the_input,
    gradients_have_dtype_and_shape_of_their_parameters,
    any_memory_layout_gives_the_same,
    parameter_gradients_are_those_of_backward,
    evaluation_of_a_batch_is_evaluation_row_by_row,
    no_rows_have_no_gradient,
    a_wrong_gradient_shape_is_refused_with_both_shapes,
]


def _axis_of_rows(layer: Any) -> int:
    """Return the first axis; where that is the feature axis, the second."""
    return 1 if getattr(layer, "axis", -1) == 0 else 0


def _read_only(x: Array) -> Array:
    x = x.copy()
    x.setflags(write=False)
    return x


def _every_second(x: Array) -> Array:
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, dtype=x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "read-only": _read_only,
    "Fortran order": np.asfortranarray,
    "every second element": _every_second,
    "rows backwards": lambda x: x[::-1].copy()[::-1],
    "features backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
    "axes moved": lambda x: np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0),
}


def _bytes(layer: Any, **arrays: Array) -> dict[str, bytes]:
    everything = layer.parameters | layer.statistics | arrays
    return {name: array.tobytes() for name, array in everything.items()}


def _arrays_in(cache: Any) -> dict[str, Array]:
    """Return the arrays of a cache, also those of the moments in it."""
    fields = cache._asdict()
    if fields.get("moments") is not None:
        fields |= {"moments.mean": cache.moments.mean, "moments.M2": cache.moments.M2}
    return {f"cache.{name}": v for name, v in fields.items() if isinstance(v, np.ndarray)}


def _backward_bytes(layer: Any, dy: Array, cache: Any) -> dict[str, bytes]:
    dx, gradients = layer.backward(dy, cache)
    return {name: array.tobytes() for name, array in {"x": dx, **gradients}.items()}


def _both_ways(case: Case, x: Array, dy: Array, training: bool) -> list[Array]:
    layer = case.layer()
    y, cache = layer.forward(x, training=training)
    dx, gradients = layer.backward(dy, cache)
    return [y, dx, *gradients.values()]
