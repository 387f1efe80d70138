"""``--set FIELD=VALUE``."""

import tomllib
from typing import Any

import typer


def parsed(settings: list[str]) -> dict[str, Any]:
    """Return ``FIELD=VALUE`` texts as a dictionary; a value is TOML, or else a plain string."""
    fields: dict[str, Any] = {}
    for setting in settings:
        field, equals, text = setting.partition("=")
        if not equals or not field.strip():
            raise typer.BadParameter(
                f"must be FIELD=VALUE, such as training.learning_rate=0.1, got {setting!r}.",
                param_hint="--set",
            )
        try:
            fields[field.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            fields[field.strip()] = _plain(text.strip())
    return fields


def _plain(text: str) -> bool | float | str:
    """Read what is no TOML as Python would, ``True`` and ``.1``, or else as a text."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return text
