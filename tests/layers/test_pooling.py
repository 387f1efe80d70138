"""The pooling layers: arguments, padding, ties, NaN."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.errors import ArgumentError, ShapeError
from normlab.layers import AveragePool2D, GlobalAveragePool, MaxPool2D

Array = NDArray[Any]

both_poolings = pytest.mark.parametrize("make", [MaxPool2D, AveragePool2D])


def image(*rows: list[float]) -> Array:
    """Return one image of one channel."""
    return np.array(rows, dtype=float)[np.newaxis, :, :, np.newaxis]


def forward(layer: Any, x: Array) -> Array:
    y: Array = layer.forward(x, training=True)[0]
    return y[0, ..., 0]


def backward_of_ones(layer: Any, x: Array) -> Array:
    y, cache = layer.forward(x, training=True)
    dx: Array = layer.backward(np.ones_like(y), cache)[0]
    return dx[0, ..., 0]


@both_poolings
def test_windows_lie_edge_to_edge_by_default(make: Any) -> None:
    assert make((2, 3)).stride == (2, 3)
    assert make(2).output_shape((28, 28, 32)) == (14, 14, 32)


def test_the_two_poolings_of_one_image() -> None:
    x = image([1, 2, 3, 4], [5, 6, 7, 9])
    np.testing.assert_array_equal(forward(MaxPool2D(2), x), [[6, 9]])
    np.testing.assert_array_equal(forward(AveragePool2D(2), x), [[3.5, 5.75]])
    np.testing.assert_array_equal(forward(GlobalAveragePool(), x), 4.625)


def test_padding_is_no_maximum_of_negative_values() -> None:
    x = -np.ones((1, 3, 3, 1))
    for padding in ("same", 1):
        np.testing.assert_array_equal(forward(MaxPool2D(2, padding=padding), x), -1)


def test_padding_does_not_count_in_an_average() -> None:
    for padding in ("same", 1):
        y = forward(AveragePool2D(2, padding=padding), np.ones((1, 3, 3, 1)))
        np.testing.assert_array_equal(y, np.ones((2, 2)))


@both_poolings
def test_what_fills_no_window_gets_no_gradient(make: Any) -> None:
    dx = backward_of_ones(make(2), np.random.default_rng(0).standard_normal((1, 5, 5, 1)))
    np.testing.assert_array_equal(dx[4], 0)
    np.testing.assert_array_equal(dx[:, 4], 0)


def test_of_equal_values_the_first_takes_the_gradient() -> None:
    dx = backward_of_ones(MaxPool2D(2), image([0, 7, 7, 7], [7, 7, 7, 7]))
    np.testing.assert_array_equal(dx, [[0, 1, 1, 0], [0, 0, 0, 0]])


def test_where_windows_overlap_a_cell_takes_the_gradient_of_each() -> None:
    dx = backward_of_ones(MaxPool2D(2, stride=1), image([0, 0, 0], [0, 9, 0], [0, 0, 0]))
    np.testing.assert_array_equal(dx, [[0, 0, 0], [0, 4, 0], [0, 0, 0]])


def test_nan_passes_and_takes_the_gradient() -> None:
    x = image([1, np.nan, 3, 4], [np.inf, 2, 5, 6])
    np.testing.assert_array_equal(forward(MaxPool2D(2), x), [[np.nan, 6]])
    np.testing.assert_array_equal(backward_of_ones(MaxPool2D(2), x), [[0, 1, 0, 0], [0, 0, 0, 1]])
    np.testing.assert_array_equal(forward(AveragePool2D(2), x), [[np.nan, 4.5]])


def test_a_window_of_negative_infinity_sends_its_gradient_to_its_first_cell() -> None:
    x = np.full((1, 3, 3, 1), -np.inf)
    dx = backward_of_ones(MaxPool2D(2, padding=1), x)
    np.testing.assert_array_equal(dx, [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


@both_poolings
@pytest.mark.parametrize("size", [0, -1, 1.5, True, (2,), (2, 2, 2), "2", None])
def test_a_size_or_stride_that_is_none_is_refused(make: Any, size: Any) -> None:
    rule = r"must be an integer of at least 1, or two: \(height, width\), got "
    with pytest.raises(ArgumentError, match=f"^pool_size {rule}"):
        make(size)
    if size is not None:
        with pytest.raises(ArgumentError, match=f"^stride {rule}"):
            make(2, stride=size)


@both_poolings
def test_padding_that_could_fill_a_window_is_refused(make: Any) -> None:
    assert make((2, 3), padding=1).padding == 1
    message = r"^padding must be smaller than pool_size \(2, 3\), got 2\.$"
    with pytest.raises(ArgumentError, match=message):
        make((2, 3), padding=2)


@both_poolings
def test_images_smaller_than_a_window_or_without_pixels_are_refused(make: Any) -> None:
    with pytest.raises(ShapeError, match=r"^x must have images at least as large as .*\(1, 4\)"):
        make(2).forward(np.ones((3, 1, 4, 2)), training=True)
    with pytest.raises(ShapeError, match=r"^x must have .* at least one pixel, got \(3, 0, 4, 2\)"):
        make(2, padding=1).forward(np.ones((3, 0, 4, 2)), training=True)


@both_poolings
@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4, 1), (0, 4, 1)])
def test_output_shape_asks_for_one_image(make: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"^input_shape must be \(height, width, channels\)"):
        make(2).output_shape(shape)


def test_global_pooling_has_no_output_shape_without_channels() -> None:
    with pytest.raises(ShapeError, match=r"^input_shape must be \(\.\.\., channels\), got \(\)\.$"):
        GlobalAveragePool().output_shape(())


@pytest.mark.parametrize("shape", [(), (3,), (3, 0, 2)])
def test_global_pooling_of_nothing_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"^x must have shape \(n, \.\.\., channels\) with at "):
        GlobalAveragePool().forward(np.ones(shape), training=True)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (MaxPool2D(2), "MaxPool2D(2)"),
        (MaxPool2D(2, stride=2, padding="valid"), "MaxPool2D(2)"),
        (AveragePool2D((3, 2), stride=1), "AveragePool2D((3, 2), stride=1)"),
        (MaxPool2D(2, stride=(2, 1)), "MaxPool2D(2, stride=(2, 1))"),
        (MaxPool2D(3, padding="same"), "MaxPool2D(3, padding='same')"),
        (GlobalAveragePool(), "GlobalAveragePool()"),
    ],
)
def test_repr_names_the_size_and_what_differs_from_the_defaults(layer: Any, text: str) -> None:
    assert repr(layer) == text


@pytest.mark.parametrize("text", ["MaxPool2D(2)", "AveragePool2D((3, 2), padding=1)"])
def test_repr_makes_the_layer_again(text: str) -> None:
    assert repr(eval(text, {"MaxPool2D": MaxPool2D, "AveragePool2D": AveragePool2D})) == text
