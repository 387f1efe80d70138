"""Rows taken from a dataset by their numbers, where compiled code finds it by address.

A kernel is called as ``f(data, numbers, x)``: ``data`` is the address of the rows of all, and x,
``(n, n_features)``, becomes those of these numbers.
"""

from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, int64  # type: ignore[attr-defined]  # which Numba does not state

from normlab._typing import FloatArray, IntArray
from normlab.kernels._by_address import code_of, rows
from normlab.kernels._compile import compiled


@cache
def code_of_taking(stored: np.dtype[Any], dtype: np.dtype[Any]) -> int:
    """Return where the code is that takes rows of one dtype as rows of another."""
    kernel = take_pixels if stored == np.uint8 else take_floats
    return code_of(kernel, int64, int64[::1], from_dtype(dtype)[:, ::1])


@compiled
def take_floats(data: int, numbers: IntArray, x: FloatArray) -> None:
    """Set x to rows of its own dtype."""
    n_features = x.shape[1]
    for i in range(numbers.size):
        own = rows(data + numbers[i] * n_features * x.itemsize, 1, n_features, x)
        for j in range(n_features):
            x[i, j] = own[0, j]


@compiled
def take_pixels(data: int, numbers: IntArray, x: FloatArray) -> None:
    """Set x to rows of bytes divided by 255."""
    n_features, like = x.shape[1], np.empty(0, np.uint8)
    for i in range(numbers.size):
        own = rows(data + numbers[i] * n_features, 1, n_features, like)
        for j in range(n_features):
            x[i, j] = x.dtype.type(own[0, j]) / x.dtype.type(255)
