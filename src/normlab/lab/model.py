"""What all models of the laboratory share, and how their mistakes are worded."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError


class Model(BaseModel):
    """Frozen, validated data. NaN and infinity are written to JSON as strings, and read back."""

    model_config = ConfigDict(
        extra="ignore",  # mistakes() names unknown keys, in dataclasses too
        frozen=True,
        ser_json_inf_nan="strings",
    )


def mistakes(model: type[Model], tree: dict[str, Any]) -> list[str]:
    """Return every mistake in ``tree`` as data for ``model``, a line each; none if it is right."""
    found = list(_unknown_keys(model, tree, ""))
    try:
        model.model_validate(tree)
    except ValidationError as error:
        found += [_worded(dict(item)) for item in error.errors()]
    return found


def _worded(item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"] if not str(part).startswith("function-"))
    message = item["msg"].removeprefix("Value error, ")
    got = f", got {item['input']!r}" if isinstance(item["input"], str | int | float) else ""
    if item["type"] == "missing":
        return f"{place}: is missing"
    return f"{place or 'experiment'}: {message}{'' if 'got' in message else got}"


def _unknown_keys(kind: Any, tree: Any, place: str) -> Iterator[str]:
    """Walk data beside its type, and name each key that the type has no field for."""
    known = _fields(kind)
    if known and isinstance(tree, dict):
        for key, value in tree.items():
            if key in known:
                yield from _unknown_keys(known[key], value, f"{place}{key}.")
            else:
                near = get_close_matches(str(key), known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                yield f"{place}{key}: unknown key; {remedy}"
    elif get_origin(kind) is dict and isinstance(tree, dict):  # dict[str, Item]
        for key, value in tree.items():
            yield from _unknown_keys(get_args(kind)[1], value, f"{place}{key}.")
    elif get_origin(kind) is tuple and isinstance(tree, list):  # tuple[Item, ...]
        for i, value in enumerate(tree):
            yield from _unknown_keys(get_args(kind)[0], value, f"{place}{i}.")
    else:  # Item | None
        for choice in get_args(kind):
            if _fields(choice):
                yield from _unknown_keys(choice, tree, place)


def _fields(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: info.annotation for name, info in kind.model_fields.items()}
    if is_dataclass(kind):
        return {field.name: field.type for field in fields(kind)}
    return {}
