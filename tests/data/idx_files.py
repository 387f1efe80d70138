"""Writes IDX files, and folders of them, for the tests."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPE_CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx_bytes(values: NDArray[Any]) -> bytes:
    header = struct.pack(">BBBB", 0, 0, TYPE_CODES[values.dtype.name], values.ndim)
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    return header + sizes + values.astype(values.dtype.newbyteorder(">")).tobytes()


def write_idx(path: Path, values: NDArray[Any]) -> Path:
    """Write one file, gzipped if its name says so."""
    data = idx_bytes(values)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def pixels(n_rows: int, size: int = 4) -> NDArray[np.uint8]:
    """Images that differ from each other and from pixel to pixel."""
    rng = np.random.default_rng(n_rows)
    return rng.integers(256, size=(n_rows, size, size), dtype=np.uint8)


def write_folder(
    folder: Path,
    y_train: NDArray[Any],
    y_test: NDArray[Any],
    *,
    prefix: str = "",
    test: str = "t10k",
    dash: str = "-",
    suffix: str = "",
) -> Path:
    """Write the four files of a data set with 4 x 4 pixels, one image a label."""
    for part, labels in (("train", y_train), (test, y_test)):
        write_idx(folder / f"{prefix}{part}-images{dash}idx3-ubyte{suffix}", pixels(len(labels)))
        write_idx(folder / f"{prefix}{part}-labels{dash}idx1-ubyte{suffix}", labels)
    return folder


def digits(*labels: int) -> NDArray[np.uint8]:
    return np.array(labels, dtype=np.uint8)
