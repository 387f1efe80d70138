from pathlib import Path

from normlab import lab


def test_the_map_of_the_folder_names_every_file_once() -> None:
    folder = Path(lab.__path__[0])
    words = (lab.__doc__ or "").split()
    named = sorted(word for word in words if word.endswith(".py"))
    assert named == sorted(path.name for path in folder.glob("*.py") if path.stem != "__init__")
