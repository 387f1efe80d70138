"""Where windows stand on an image."""

from typing import Any

import numpy as np
import pytest

from normlab.errors import ArgumentError, ShapeError
from normlab.layers.windows import Padding, checked_padding, pair, windows

RANDOM = [tuple(map(int, row)) for row in np.random.default_rng(0).integers(1, 8, (60, 3))]
every_size = pytest.mark.parametrize(("image", "size", "stride"), RANDOM)


def on_a_line(image: int, size: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Return the padding before and the number of windows of a square image, checked to be so."""
    found = windows((image, image), (size, size), (stride, stride), padding)
    assert found.before[0] == found.before[1]
    assert found.output[0] == found.output[1]
    return found.before[0], found.output[0]


@pytest.mark.parametrize(("value", "expected"), [(3, (3, 3)), ((1, 2), (1, 2)), ([4, 5], (4, 5))])
def test_one_integer_stands_for_two(value: Any, expected: tuple[int, int]) -> None:
    assert pair("stride", value) == expected
    assert all(type(number) is int for number in pair("stride", np.int64(3)))


@pytest.mark.parametrize("value", [0, (1, 0), (1, 2, 3), (), 1.0, "11", None, (True, 1)])
def test_what_is_no_pair_of_positive_integers_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^stride must be an integer of at least 1, or two"):
        pair("stride", value)


@pytest.mark.parametrize("value", ["same", "valid", 0, 3, np.int64(2)])
def test_a_padding_passes(value: Any) -> None:
    assert checked_padding(value) == value


@pytest.mark.parametrize("value", [-1, 0.5, True, None, (1, 1)])
def test_a_padding_of_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r'^padding must be "same", "valid" or an integer of '):
        checked_padding(value)


def test_a_misspelled_padding_is_refused_with_the_nearest_word() -> None:
    with pytest.raises(ArgumentError, match=r"got 'Same'\. Did you mean 'same'\?"):
        checked_padding("Same")


@every_size
def test_valid_windows_are_all_that_lie_inside(image: int, size: int, stride: int) -> None:
    inside = [begin for begin in range(0, image, stride) if begin + size <= image]
    if inside:
        assert on_a_line(image, size, stride, "valid") == (0, len(inside))


@every_size
def test_same_gives_a_window_for_each_stride_begun(image: int, size: int, stride: int) -> None:
    before, n_windows = on_a_line(image, size, stride, "same")
    assert n_windows == len(range(0, image, stride))
    after = max(0, (n_windows - 1) * stride + size - image - before)
    assert after - before in (0, 1)


@every_size
def test_windows_padded_the_same_all_see_the_image(image: int, size: int, stride: int) -> None:
    before, n_windows = on_a_line(image, size, stride, "same")
    begins = [i * stride - before for i in range(n_windows)]
    assert all(begin < image and begin + size > 0 for begin in begins)


@every_size
@pytest.mark.parametrize("padding", [1, 2])
def test_padding_by_a_number_is_a_larger_image(
    image: int, size: int, stride: int, padding: int
) -> None:
    if image + 2 * padding >= size:
        before, n_windows = on_a_line(image, size, stride, padding)
        larger = on_a_line(image + 2 * padding, size, stride, "valid")
        assert (before, n_windows) == (padding, larger[1])


def test_down_and_across_are_told_apart() -> None:
    found = windows((7, 9), (3, 2), (2, 3), "same")
    assert found.output == (4, 3)
    assert found.before == (1, 0)
    assert (found.size, found.stride, found.image) == ((3, 2), (2, 3), (7, 9))


@pytest.mark.parametrize(("image", "padding"), [((2, 9), "valid"), ((9, 2), "valid"), ((0, 9), 1)])
def test_an_image_smaller_than_a_window_is_refused(image: tuple[int, int], padding: Any) -> None:
    with pytest.raises(ShapeError, match=r"^x must have images at least .* window of \(3, 3\)"):
        windows(image, (3, 3), (1, 1), padding)
