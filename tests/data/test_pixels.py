from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normlab.data import Dataset
from normlab.data.pixels import Pixels


def stored(n: int = 300) -> NDArray[np.uint8]:
    """All bytes there are, in images."""
    return np.arange(n * 4).astype(np.uint8).reshape(n, 2, 2, 1)


@pytest.mark.parametrize("rows", [slice(None), slice(7, 30), np.array([5, 0, 5, 299])])
def test_rows_have_the_bits_of_all_pixels_divided_at_once(rows: Any) -> None:
    at_once = np.divide(stored(), 255, dtype=np.float32)
    taken = Pixels(stored())[rows]
    assert taken.dtype == np.float32
    assert taken.tobytes() == at_once[rows].tobytes()


def test_pixels_say_what_the_array_of_all_would() -> None:
    pixels = Pixels(stored())
    at_once = pixels[:]
    assert (len(pixels), pixels.shape, pixels.ndim) == (300, at_once.shape, at_once.ndim)
    assert pixels.dtype == at_once.dtype


def test_bytes_are_read_only_and_not_copied() -> None:
    images = stored()
    pixels = Pixels(images)
    with pytest.raises(ValueError, match="read-only"):
        pixels.stored[0] = 0
    images[0] = 255
    assert (pixels[:1] == 1).all()


def test_a_data_set_holds_pixels_as_they_are() -> None:
    pixels, labels = Pixels(stored()), np.zeros(300, dtype=int)
    data = Dataset(pixels, labels, pixels, labels)
    assert {id(data.x_train), id(data.x_test)} == {id(pixels)}
    assert repr(data) == (
        "Dataset: 300 training and 300 test rows of (2, 2, 1), float32, 1 classes"
    )


def test_the_first_rows_are_the_first_of_pixels() -> None:
    pixels, labels = Pixels(stored()), np.zeros(300, dtype=int)
    few = Dataset(pixels, labels, pixels, labels).first(3, 2)
    assert few.x_train.tobytes() == pixels[:3].tobytes()
