from pathlib import Path

import pytest
from idx_files import digits, write_folder

from normlab.data.folder import find_files
from normlab.errors import DataError

NAMES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def folder_of(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        [name + ".gz" for name in NAMES],
        [name.replace("t10k", "test") for name in NAMES],
        [name.replace("-idx", ".idx") for name in NAMES],
        ["train-images", "train-labels", "test-images.gz", "test-labels.gz"],
        ["emnist-digits-" + name.replace("t10k", "test") + ".gz" for name in NAMES],
        [*NAMES, "README.md", "train.csv", "train-images-idx3-ubyte.part", "._train-images"],
    ],
)
def test_the_names_in_use_are_found(tmp_path: Path, names: list[str]) -> None:
    files = find_files(folder_of(tmp_path, *names))
    assert [path.name for path in files[:4]] == names[:4]


def test_unpacked_file_goes_before_its_gzipped_twin(tmp_path: Path) -> None:
    files = find_files(folder_of(tmp_path, *NAMES, *(name + ".gz" for name in NAMES)))
    assert [path.name for path in files[:4]] == NAMES


def test_folder_of_a_file_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "train-images.idx3-ubyte").mkdir()
    assert find_files(folder_of(tmp_path, *NAMES)).train_images.name == NAMES[0]


def test_data_set_is_called_by_the_start_of_the_file_names(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, digits(0), digits(0), prefix="emnist-letters-", test="test")
    assert find_files(folder).name == "emnist-letters"


def test_data_set_of_plain_names_is_called_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "fashion"
    folder.mkdir()
    assert find_files(write_folder(folder, digits(0), digits(0))).name == "fashion"


def test_missing_file_is_named_with_what_is_there(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *NAMES[:3], "notes.txt")
    message = r"must hold a file t10k \(or test\)-labels-idx1-ubyte\[\.gz\], got none among notes"
    with pytest.raises(DataError, match=message):
        find_files(folder)


def test_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train-images-idx3.* got none among no files\.$"):
        find_files(tmp_path)


def test_long_listing_is_cut(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *(f"{number:02}.txt" for number in range(20)))
    with pytest.raises(DataError, match=r"00\.txt, .* 07\.txt and 12 more\.$"):
        find_files(folder)


def test_two_candidates_for_one_file_are_refused_by_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *(f"emnist-{split}-{name}" for split in "ab" for name in NAMES))
    message = r"must hold one file train-images.*got 2: emnist-a-train.*, emnist-b-train.*its own"
    with pytest.raises(DataError, match=message):
        find_files(folder)


def test_four_files_of_different_data_sets_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *NAMES[:3], "emnist-digits-test-labels-idx1-ubyte")
    with pytest.raises(DataError, match=r"four files of one data set, got '', 'emnist-digits'"):
        find_files(folder)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere must be a folder of IDX files, got no folder"):
        find_files(tmp_path / "nowhere")


def test_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data.zip").touch()
    with pytest.raises(DataError, match=r"data\.zip must be a folder of IDX files, got a file"):
        find_files(tmp_path / "data.zip")


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("nothing", "no folder of that name"),
        ("file", "a file"),
        (300 * "x", "this on reading: File name too long"),
    ],
)
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str, got: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=rf"{name} must be a folder of IDX files, got {got}\.$"):
        find_files(tmp_path / name)
