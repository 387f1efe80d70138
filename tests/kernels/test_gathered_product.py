"""The product whose left factor is gathered, against NumPy's product of what it gathers."""

from itertools import product as product_of

import numpy as np
import pytest
from numba.core.errors import TypingError

from kernels.shapes import Array
from normlab.kernels import gathered_product as kernel
from normlab.kernels._compile import compiled
from normlab.kernels._llvm import VECTOR_BYTES
from normlab.kernels._tile import NARROW_ROWS, ROWS

ROW_COUNTS = [1, ROWS - 1, ROWS, ROWS + 1, NARROW_ROWS, NARROW_ROWS + 1, 5 * ROWS + 4]
K_COUNTS = [1, 2, kernel.BLOCK_K, kernel.BLOCK_K + 1, 2 * kernel.BLOCK_K + 3]
TOLERANCE = {"float32": 2e-4, "float64": 1e-12}


def columns(dtype: str) -> list[int]:
    """Return numbers of columns around whole vectors, and panels of several."""
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return [1, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes, 4 * lanes, 7 * lanes + 1]


def product(a: Array, row: Array, col: Array, b: Array, start: Array) -> Array:
    """Return the product with rows that have room between them, which stays as it was."""
    n = b.shape[1]
    out = np.full((len(row), n + 3), -7.0, a.dtype)
    out_row = np.arange(len(row)) * (n + 3)
    panels = kernel.packed(b.reshape(-1), np.arange(len(b)) * b.shape[1], b.shape[1])
    start_row = np.arange(len(row)) * n
    kernel.gathered_product(
        a, row, col, panels, n, start.reshape(-1), start_row, out.reshape(-1), out_row
    )
    assert (out[:, n:] == -7.0).all()
    return out[:, :n]


def factors(m: int, n_k: int, n: int, dtype: str) -> tuple[Array, ...]:
    rng = np.random.default_rng(m + n_k + n)
    a = rng.standard_normal(1000).astype(dtype)
    row, col = rng.integers(0, 500, m), rng.integers(0, 500, n_k)
    b, start = rng.standard_normal((n_k, n)), rng.standard_normal((m, n))
    return a, row, col, b.astype(dtype), start.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_k", K_COUNTS)
@pytest.mark.parametrize("m", ROW_COUNTS)
def test_it_is_the_product_with_what_the_offsets_gather(m: int, n_k: int, dtype: str) -> None:
    for n in columns(dtype):
        a, row, col, b, start = factors(m, n_k, n, dtype)
        expected = start.astype(float) + a[row[:, None] + col].astype(float) @ b.astype(float)
        found = product(a, row, col, b, start)
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype] * n_k**0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_has_the_same_bits_in_any_company(dtype: str) -> None:
    """So the result does not depend on how rows are shared out among threads."""
    for n in columns(dtype):
        a, row, col, b, start = factors(2 * NARROW_ROWS + 1, 300, n, dtype)
        together = product(a, row, col, b, start)
        alone = [product(a, row[i : i + 1], col, b, start[i : i + 1]) for i in range(len(row))]
        assert together.tobytes() == np.concatenate(alone).tobytes()


def test_nan_and_infinity_reach_their_own_row_and_column_only() -> None:
    a, row, col, b, start = factors(8, 5, 20, "float32")
    row, col = 10 * np.arange(8), np.arange(5)
    a[32], b[1, 4] = np.nan, np.inf
    found = product(a, row, col, b, start)
    finite = np.isfinite(found)
    assert not finite[3].any()
    assert not finite[:, 4].any()
    assert np.delete(np.delete(finite, 3, 0), 4, 1).all()


def test_packing_pads_the_last_panel_with_zeros() -> None:
    lanes = VECTOR_BYTES // 4
    b = np.arange(2.0 * (lanes + 1), dtype="float32").reshape(2, lanes + 1) + 1
    panels = kernel.packed(b.reshape(-1), np.arange(len(b)) * b.shape[1], b.shape[1])
    assert panels.size == 2 * 2 * lanes
    np.testing.assert_array_equal(panels.reshape(2, -1)[:, : lanes + 1], b)
    assert (panels.reshape(2, -1)[:, lanes + 1 :] == 0).all()


def test_packing_takes_some_elements_of_rows_and_begins_where_a_vector_may() -> None:
    b = np.arange(60.0, dtype="float32").reshape(3, 20)
    panels = kernel.packed(b.reshape(-1), 20 * np.arange(3) + 5, 4)
    assert panels.ctypes.data % VECTOR_BYTES == 0
    np.testing.assert_array_equal(panels.reshape(3, -1)[:, :4], b[:, 5:9])
    assert (panels.reshape(3, -1)[:, 4:] == 0).all()


@compiled
def packed_transposed(b: Array, first: int, stop: int) -> Array:
    panels = kernel.room_for(stop - first, len(b), b.dtype)
    kernel.pack_transposed(b, first, stop, panels)
    return panels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_transpose_is_packed_like_a_copy_of_it(dtype: str) -> None:
    for n, n_k in product_of(columns(dtype), columns(dtype)):
        b = np.arange(1.0 * n * n_k, dtype=dtype).reshape(n, n_k) + 1
        expected = kernel.packed(b.T.copy().reshape(-1), np.arange(n_k) * n, n)
        found = packed_transposed(np.pad(b, ((0, 0), (2, 3))), 2, n_k + 2)
        assert found.shape == expected.shape
        assert (found[expected > 0] == expected[expected > 0]).all()


def test_arrays_of_several_dtypes_are_refused() -> None:
    a, row, col, b, start = factors(2, 3, 4, "float32")
    with pytest.raises(TypingError, match=r"a, b, start and out must be of one dtype"):
        product(a, row, col, b.astype("float64"), start)
