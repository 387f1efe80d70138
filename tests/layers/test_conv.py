"""Conv2D: what it takes, refuses and starts with; its maths is under the laws and the kernel."""

from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError, ShapeError
from normlab.layers import Conv2D


def layer(*sizes: Any, **options: Any) -> Conv2D:
    return Conv2D(*(sizes or (2, 3, 3)), rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize(
    ("options", "output"),
    [
        ({}, (7, 6)),
        ({"padding": "valid"}, (5, 4)),
        ({"padding": 2}, (9, 8)),
        ({"stride": 2}, (4, 3)),
        ({"stride": (1, 3)}, (7, 2)),
        ({"stride": 2, "padding": "valid"}, (3, 2)),
    ],
)
def test_sizes_of_the_maps(options: Any, output: tuple[int, int]) -> None:
    y, _ = layer(**options).forward(np.zeros((4, 7, 6, 2), np.float32), training=True)
    assert y.shape == (4, *output, 3)


def test_a_window_of_one_cell_is_a_dense_layer_at_every_place() -> None:
    conv = layer(2, 3, 1, dtype="float64")
    x = np.random.default_rng(1).standard_normal((4, 5, 6, 2))
    y, _ = conv.forward(x, training=True)
    np.testing.assert_allclose(y, x @ conv.weight[0, 0], rtol=1e-13)


def test_he_counts_all_cells_of_a_window_as_inputs() -> None:
    conv = layer(16, 64, 5, weight_init="he")
    assert conv.weight.std() == pytest.approx((2 / (16 * 25)) ** 0.5, rel=0.02)


def test_xavier_counts_the_cells_of_a_window_on_both_sides() -> None:
    """As Keras does: an input pixel reaches as many outputs of each map as a window has cells."""
    conv = layer(16, 64, 5, weight_init="xavier")
    assert conv.weight.std() == pytest.approx((2 / (25 * (16 + 64))) ** 0.5, rel=0.02)


def test_an_empty_batch_has_empty_maps_and_no_gradient() -> None:
    conv, x = layer(), np.zeros((0, 5, 4, 2), np.float32)
    y, cache = conv.forward(x, training=True)
    dx, gradients = conv.backward(y, cache)
    assert y.shape == (0, 5, 4, 3)
    assert dx.shape == x.shape
    assert not any(g.any() for g in gradients.values())


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((0, 3, 3), {}, r"^in_channels must be an integer of at least 1, got 0\.$"),
        ((2, 3.0, 3), {}, r"^out_channels must be an integer of at least 1, got 3\.0\.$"),
        ((2, 3, 0), {}, r"^kernel_size must be an integer of at least 1, or two: .* got 0\.$"),
        ((2, 3, (3, 3, 3)), {}, r"^kernel_size must be .* got \(3, 3, 3\)\.$"),
        ((2, 3, True), {}, r"^kernel_size must be .* got True\.$"),
        ((2, 3, "33"), {}, r"^kernel_size must be .* got '33'\.$"),
        ((2, 3, 3), {"stride": 0}, r"^stride must be an integer of at least 1, or two: .* got 0"),
        ((2, 3, 3), {"padding": "sane"}, r"^padding must be one of .* Did you mean 'same'\?$"),
        ((2, 3, 3), {"padding": -1}, r'^padding must be "same", "valid" or an integer .* got -1'),
        ((2, 3, 3), {"padding": None}, r'^padding must be "same", .* got None\.$'),
        ((2, 3, 3), {"padding": True}, r'^padding must be "same", .* got True\.$'),
        ((2, 3, 3), {"bias": 1}, r"^bias must be True or False, got 1\.$"),
    ],
)
def test_wrong_arguments_are_named(sizes: Any, options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        layer(*sizes, **options)


def test_images_smaller_than_a_window_are_refused_with_both_sizes() -> None:
    message = r"^x must have images at least as large as a window of \(3, 3\) .* got \(2, 5\)\.$"
    with pytest.raises(ShapeError, match=message):
        layer(padding="valid").forward(np.zeros((1, 2, 5, 2)), training=True)


@pytest.mark.parametrize("shape", [(4, 4, 2), (1, 4, 4, 3), (2,)])
def test_a_wrong_shape_of_a_row_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"^x must have shape \(n, height, width, 2\), got "):
        layer().forward(np.zeros(shape), training=True)
    if len(shape) == 4:
        with pytest.raises(ShapeError, match=r"^input_shape must be \(height, width, 2\), got "):
            layer().output_shape(shape[1:])


@pytest.mark.parametrize(
    ("conv", "text"),
    [
        (layer(), "Conv2D(2, 3, 3)"),
        (layer(1, 8, (5, 3), stride=2, bias=False), "Conv2D(1, 8, (5, 3), stride=2, bias=False)"),
        (layer(1, 8, 5, stride=(1, 2), padding=2), "Conv2D(1, 8, 5, stride=(1, 2), padding=2)"),
    ],
)
def test_repr_names_what_is_not_the_default(conv: Conv2D, text: str) -> None:
    assert repr(conv) == text
