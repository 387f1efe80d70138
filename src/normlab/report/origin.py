"""How a run was done, from its ``run.json``."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from normlab.lab.files import read_file

NOT_FACTS = ("command", "schema_version")


class Origin(NamedTuple):
    """What it takes to repeat a run."""

    command: str | None
    facts: tuple[tuple[str, str], ...]  # names and values


def read(folder: Path) -> Origin | None:
    """Return what ``run.json`` says, None where it is missing or damaged."""
    try:
        tree = json.loads(read_file(folder / "run.json"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(tree, dict):
        return None
    command = tree.get("command")
    shown = {name: value for name, value in tree.items() if name not in NOT_FACTS}
    facts = tuple((_words(name), _text(value)) for name, value in shown.items())
    return Origin(None if command is None else str(command), facts)


def _text(value: Any) -> str:
    """Return a value of JSON in one line: ``"numpy 2.4, numba 0.68"``."""
    if isinstance(value, dict):
        return ", ".join(f"{_words(name)} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(map(_text, value))
    return "unknown" if value is None else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
