"""IDX files, the format of MNIST, gzipped or not.

::

    0 0 TYPE NDIM | size of dimension 1 | ... | size of dimension NDIM | values, last axis fastest
    4 bytes       | 4 bytes each, big-endian                           | big-endian

A header is a claim. What it claims is held against the real size of the file before any memory
is taken for the values, and a gzip stream is unpacked into a buffer that grows with what is
really there.

Source: "The IDX file format", on the MNIST page of LeCun, Cortes and Burges.
"""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab.errors import DataError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The type code of the header -> the dtype of the values as stored."""

OTHER_FORMATS = {
    b"\x89PNG": "a PNG image",
    b"PK": "a zip archive",
    b"\x93NUM": "a NumPy file",
    b"\x1f\x8b": "a gzip file inside a gzip file",
    b"<": "an HTML or XML page",
}
"""First bytes -> what the file is, for files that are often mistaken for IDX."""

GZIP_MAGIC = b"\x1f\x8b"
MOST_EXPANSION = 1032
"""Deflate writes at most 258 bytes for 2 bits, so a gzip file grows at most so many times."""

MOST_DIMENSIONS = 64
"""The most axes of a NumPy array."""

CHUNK = 1 << 20


class IdxHeader(NamedTuple):
    """What the header of an IDX file says."""

    dtype: np.dtype[Any]  # of the values as stored, big-endian
    shape: tuple[int, ...]  # sizes of the dimensions, each at least 1

    @property
    def n_bytes(self) -> int:
        """Length of the whole file, unpacked: header and values."""
        return 4 + 4 * len(self.shape) + self.dtype.itemsize * math.prod(self.shape)

    def __str__(self) -> str:
        sizes = " x ".join(f"{size:,}" for size in self.shape)
        return f"{sizes} values of {self.dtype.name}"


def read_idx(path: str | os.PathLike[str], *, limit: int | None = None) -> NDArray[Any]:
    """Read an IDX file, gzipped or not.

    Whether it is gzipped is told by its first bytes, not by its name. All six types of values
    are read: uint8, int8, int16, int32, float32 and float64.

    Parameters
    ----------
    path : path-like
        The file.
    limit : int, optional
        Read at most so many items along the first axis, at least 1; by default all. The header
        is held against the size of the file all the same. Only of a gzip file, the part behind
        the limit is not unpacked, so damage there is not noticed.

    Returns
    -------
    ndarray
        Of the shape that the header says, in the byte order of this machine; yours to change.

    Raises
    ------
    DataError
        Naming the file, what was expected and what was found: no such file, a folder, an empty
        file, not IDX, cut short, longer than its header says, a gzip file that does not unpack.

    Notes
    -----
    A header that claims more than the file can hold is refused before memory is taken: a plain
    file must have exactly the length its header says; a gzip file cannot unpack to more than
    1,032 times its own length.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from normlab.data import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-idx1-ubyte"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    if limit is not None:
        limit = _checks.integer("limit", limit, at_least=1)
    path = Path(path)
    with _opened(path) as file:
        header = _header(path, file)
        n_items = header.shape[0] if limit is None else min(limit, header.shape[0])
        data = _values(path, file, header, n_items)
    values = np.frombuffer(data, dtype=header.dtype).reshape(n_items, *header.shape[1:])
    if values.dtype.isnative:
        return values
    return values.byteswap(inplace=True).view(values.dtype.newbyteorder("="))


def read_header(path: str | os.PathLike[str]) -> IdxHeader:
    """Read the header of an IDX file alone, checked as ``read_idx`` checks it."""
    path = Path(path)
    with _opened(path) as file:
        return _header(path, file)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    """Open a file, unpacking it if it is gzipped; what goes wrong inside is a ``DataError``."""
    rule = "be an IDX file, gzipped or not"
    try:
        if path.is_dir():
            raise _wrong(path, rule, "a folder")
        if path.exists() and not path.is_file():
            raise _wrong(path, rule, "a device or a pipe")
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            if is_gzip:
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield unpacked
            else:
                yield raw
    except FileNotFoundError:
        raise _wrong(path, rule, "no file of that name") from None
    except EOFError:
        raise _wrong(path, "be a whole gzip file", "one that is cut short") from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise _wrong(path, "be an undamaged gzip file", f"this on unpacking: {error}") from None
    except OSError as error:
        raise _wrong(path, "be readable", f"this on reading: {error.strerror or error}") from None


def _header(path: Path, file: BinaryIO | gzip.GzipFile) -> IdxHeader:
    """Read the header and hold it against the size of the file."""
    magic = file.read(4)
    _check_magic(path, magic)
    n_dimensions = magic[3]
    sizes = file.read(4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        rule = f"hold the sizes of its {n_dimensions} dimensions"
        raise _wrong(path, rule, f"a file that ends after {4 + len(sizes)} bytes")
    header = IdxHeader(np.dtype(DTYPES[magic[2]]), struct.unpack(f">{n_dimensions}I", sizes))
    if 0 in header.shape:
        raise _wrong(path, "hold at least one value", f"a header that says {header}")
    _check_size(path, file, header)
    return header


def _check_magic(path: Path, magic: bytes) -> None:
    """Check the first four bytes: two zeros, a known type code, a number of dimensions."""
    if not magic:
        raise _wrong(path, "be an IDX file, gzipped or not", "an empty file")
    if len(magic) < 4 or magic[:2] != b"\0\0":
        rule = "be an IDX file, which starts with two zero bytes, a type and a number of dimensions"
        looks_like = [name for start, name in OTHER_FORMATS.items() if magic.startswith(start)]
        guess = f" ({looks_like[0]})" if looks_like else ""
        raise _wrong(path, rule, f"the first bytes {magic.hex(' ')}{guess}")
    if magic[2] not in DTYPES:
        known = ", ".join(f"{code} {np.dtype(kind).name}" for code, kind in DTYPES.items())
        raise _wrong(path, f"have one of the IDX types ({known})", f"type {magic[2]}")
    if not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise _wrong(path, f"have 1 to {MOST_DIMENSIONS} dimensions", f"{magic[3]}")


def _check_size(path: Path, file: BinaryIO | gzip.GzipFile, header: IdxHeader) -> None:
    """Refuse a header that claims what a file of this size cannot hold."""
    size = path.stat().st_size
    if isinstance(file, gzip.GzipFile):
        if header.n_bytes > MOST_EXPANSION * size:
            rule = f"unpack to {header.n_bytes:,} bytes, as its header says ({header})"
            most = f"a gzip file of {size:,} bytes, which holds at most {MOST_EXPANSION * size:,}"
            raise _wrong(path, rule, most)
    elif size != header.n_bytes:
        fault = "cut short" if size < header.n_bytes else "too long"
        raise _wrong(path, _length_rule(header), f"{size:,} bytes: the file is {fault}")


def _values(
    path: Path, file: BinaryIO | gzip.GzipFile, header: IdxHeader, n_items: int
) -> bytearray:
    """Read the bytes of the first items; after the last item, the file must end."""
    n_wanted = header.dtype.itemsize * n_items * math.prod(header.shape[1:])
    data = bytearray()
    while len(data) < n_wanted:
        chunk = file.read(min(CHUNK, n_wanted - len(data)))
        if not chunk:
            n_read = 4 + 4 * len(header.shape) + len(data)
            raise _wrong(path, _length_rule(header), f"{n_read:,} bytes: the file is cut short")
        data += chunk
    if n_items == header.shape[0] and file.read(1):
        raise _wrong(path, _length_rule(header), "more: the file is too long")
    return data


def _length_rule(header: IdxHeader) -> str:
    return f"hold {header.n_bytes:,} bytes unpacked, as its header says ({header})"


def _wrong(path: Path, rule: str, got: str) -> DataError:
    return DataError(f"{path} must {rule}, got {got}.")
