import gzip
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from idx_files import TYPE_CODES, idx_bytes, write_idx
from numpy.typing import NDArray

from normlab.data import read_idx
from normlab.data.idx import read_header
from normlab.errors import ArgumentError, DataError

VALUES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)

any_idx_array = st.sampled_from(list(TYPE_CODES)).flatmap(
    lambda name: hnp.arrays(
        np.dtype(name), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5)
    )
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "images"


def header(type_code: int, *shape: int) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, type_code, len(shape), *shape)


def refuse(path: Path, content: bytes, message: str) -> None:
    """Check that a file of this content is refused, naming the file, in one line."""
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path} must ")
    assert "\n" not in str(caught.value)


@given(values=any_idx_array, gzipped=st.booleans())
def test_what_is_written_is_read_bit_for_bit(
    values: NDArray[Any], gzipped: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip"
    path.write_bytes(gzip.compress(idx_bytes(values)) if gzipped else idx_bytes(values))
    read = read_idx(path)
    assert read.shape == values.shape
    assert read.dtype == values.dtype
    assert read.tobytes() == values.tobytes()


def test_values_come_in_native_byte_order_and_are_writable(path: Path) -> None:
    read = read_idx(write_idx(path, np.array([1, -2], dtype=np.int32)))
    assert read.dtype.isnative
    read[0] = 5
    np.testing.assert_array_equal(read, [5, -2])


def test_gzip_is_told_by_content_whatever_the_name(tmp_path: Path) -> None:
    path = tmp_path / "plain-name"
    path.write_bytes(gzip.compress(idx_bytes(VALUES)))
    np.testing.assert_array_equal(read_idx(path), VALUES)
    named_gz = tmp_path / "not-gzipped.gz"
    named_gz.write_bytes(idx_bytes(VALUES))
    np.testing.assert_array_equal(read_idx(named_gz), VALUES)


def test_gzip_file_of_several_members_is_one_file(path: Path) -> None:
    data = idx_bytes(VALUES)
    path.write_bytes(gzip.compress(data[:20]) + gzip.compress(data[20:]))
    np.testing.assert_array_equal(read_idx(path), VALUES)


def test_path_may_be_a_string(path: Path) -> None:
    np.testing.assert_array_equal(read_idx(str(write_idx(path, VALUES))), VALUES)


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("limit", [1, 3, 4, 99])
def test_limit_reads_at_most_so_many_items(tmp_path: Path, name: str, limit: int) -> None:
    read = read_idx(write_idx(tmp_path / name, VALUES), limit=limit)
    np.testing.assert_array_equal(read, VALUES[:limit])


def test_limit_leaves_the_end_of_a_gzip_file_unread(path: Path) -> None:
    path.write_bytes(gzip.compress(idx_bytes(VALUES))[:-8])
    np.testing.assert_array_equal(read_idx(path, limit=1), VALUES[:1])


def test_limit_still_checks_the_length_of_a_plain_file(path: Path) -> None:
    path.write_bytes(idx_bytes(VALUES)[:-1])
    with pytest.raises(DataError, match="cut short"):
        read_idx(path, limit=1)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_limit_must_be_a_positive_integer(path: Path, limit: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^limit must be an integer of at least 1, got"):
        read_idx(write_idx(path, VALUES), limit=limit)


def test_header_alone_tells_type_and_shape(path: Path) -> None:
    head = read_header(write_idx(path, VALUES))
    assert head.dtype == np.uint8
    assert (head.shape, head.n_bytes) == ((4, 3, 2), 40)


def test_missing_file_is_named(path: Path) -> None:
    with pytest.raises(DataError, match=r"images must be an IDX file.*got no file of that name"):
        read_idx(path)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be an IDX file, gzipped or not, got a folder"):
        read_idx(tmp_path)


def test_device_is_refused() -> None:
    device = Path("/dev/zero")
    if not device.exists():
        pytest.skip("this system has no /dev/zero")
    with pytest.raises(DataError, match="got a device or a pipe"):
        read_idx(device)


def test_unreadable_file_is_a_data_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(DataError, match=r"must be readable, got this on reading: Permission deni"):
        read_idx(path)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["plain", "gzip"])
def test_empty_file_is_refused(path: Path, content: bytes) -> None:
    refuse(path, content, "got an empty file")


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47 (a PNG image)"),
        (b"PK\x03\x04", "50 4b 03 04 (a zip archive)"),
        (b"\x93NUMPY\x01\x00", "93 4e 55 4d (a NumPy file)"),
        (b"<!DOCTYPE html>", "3c 21 44 4f (an HTML or XML page)"),
        (gzip.compress(gzip.compress(b"")), "(a gzip file inside a gzip file)"),
        (b"5,0,0,18\n", "35 2c 30 2c."),
        (b"\0\0", "00 00."),
    ],
)
def test_other_formats_are_refused_by_their_first_bytes(
    path: Path, content: bytes, looks_like: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match="must be an IDX file, which starts with two zero") as got:
        read_idx(path)
    assert looks_like in str(got.value)


def test_unknown_type_code_is_refused_with_the_known_ones(path: Path) -> None:
    refuse(path, header(10, 1) + b"\0", r"IDX types \(8 uint8, .* 14 float64\), got type 10")


@pytest.mark.parametrize("n_dimensions", [0, 65, 255])
def test_number_of_dimensions_must_be_possible(path: Path, n_dimensions: int) -> None:
    content = bytes([0, 0, 8, n_dimensions]) + b"\0\0\0\1" * n_dimensions + b"\0"
    refuse(path, content, f"must have 1 to 64 dimensions, got {n_dimensions}")


def test_header_that_ends_early_is_refused(path: Path) -> None:
    content = header(8, 2, 2, 2)[:10]
    refuse(path, content, "hold the sizes of its 3 dimensions, got a file that ends after 10 bytes")


def test_dimension_of_zero_is_refused(path: Path) -> None:
    refuse(path, header(8, 0, 2**32 - 1), "must hold at least one value, got a header that says 0")


def test_truncated_file_is_refused_with_both_lengths(path: Path) -> None:
    message = r"hold 40 bytes.*\(4 x 3 x 2 values of uint8\), got 39 bytes: the file is cut short"
    refuse(path, idx_bytes(VALUES)[:-1], message)


def test_oversized_file_is_refused_with_both_lengths(path: Path) -> None:
    refuse(path, idx_bytes(VALUES) + b"\0", r"hold 40 bytes.*got 41 bytes: the file is too long")


def test_gzip_file_that_unpacks_to_too_little_is_refused(path: Path) -> None:
    content = gzip.compress(idx_bytes(VALUES)[:-1])
    refuse(path, content, r"hold 40 bytes unpacked.*got 39 bytes: the file is cut short")


def test_gzip_file_that_unpacks_to_too_much_is_refused(path: Path) -> None:
    content = gzip.compress(idx_bytes(VALUES) + b"\0")
    refuse(path, content, r"hold 40 bytes unpacked.*got more: the file is too long")


@pytest.mark.parametrize("n_bytes", [2, 12, 30])
def test_gzip_file_that_is_cut_short_is_refused(path: Path, n_bytes: int) -> None:
    content = gzip.compress(idx_bytes(VALUES))[:n_bytes]
    refuse(path, content, "must be a whole gzip file, got one that is cut short")


def test_gzip_file_of_wrong_checksum_is_refused(path: Path) -> None:
    content = bytearray(gzip.compress(idx_bytes(VALUES)))
    content[-6] ^= 0xFF
    refuse(path, bytes(content), "must be an undamaged gzip file, got this on unpacking: CRC check")


def test_gzip_file_of_damaged_stream_is_refused(path: Path) -> None:
    content = gzip.compress(idx_bytes(VALUES))[:10] + b"\xff" * 30
    refuse(path, content, "must be an undamaged gzip file, got this on unpacking: Error -3")


TERABYTES = header(14, 2**20, 2**10, 2**10)


@pytest.mark.parametrize(
    "content", [TERABYTES + b"\0" * 99, gzip.compress(TERABYTES + b"\0" * 99)], ids=["plain", "gz"]
)
def test_header_that_claims_terabytes_is_refused_before_memory_is_taken(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"8,796,093,022,224 bytes"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_gzip_header_within_the_bound_takes_memory_only_for_what_is_there(path: Path) -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    path.write_bytes(gzip.compress(header(8, 100_000_000) + noise))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"got 100,008 bytes: the file is cut short"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_path_that_the_system_refuses_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x must be readable, got this on reading: File name too"):
        read_idx(tmp_path / (300 * "x"))
