"""Floats as the bytes that stand for them."""

import numpy as np
import pytest

from normlab.kernels.stored_rows import bytes_of


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_byte_comes_back(dtype: str) -> None:
    stored = np.arange(256 * 9).reshape(9, 256).astype(np.uint8)
    found = bytes_of(np.divide(stored, 255, dtype=dtype))
    assert found is not None
    np.testing.assert_array_equal(found, stored)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1 / 255, 256 / 255, 0.5, 2.0, 1e-30])
@pytest.mark.parametrize("place", [0, 1023, 1024, 2299])
def test_floats_that_are_no_255ths_have_no_bytes(value: float, place: int) -> None:
    x = np.zeros((23, 100), "float32")
    assert bytes_of(x) is not None
    x.reshape(-1)[place] = value
    assert bytes_of(x) is None


def test_the_next_float_is_another_one() -> None:
    x = np.divide(np.arange(256), 255, dtype=np.float32).reshape(16, 16)
    assert bytes_of(x) is not None
    assert bytes_of(np.nextafter(x, np.float32(2))) is None
