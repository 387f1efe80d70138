"""What all models of the laboratory share, and how their mistakes are worded."""

import json
import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Self, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails


class Model(BaseModel):
    """Frozen, validated data. NaN and infinity are written to JSON as strings, and read back."""

    model_config = ConfigDict(
        extra="ignore",  # mistakes() names unknown keys, in dataclasses too
        frozen=True,
        ser_json_inf_nan="strings",
    )

    def broken_rules(self) -> Iterator[str]:
        """Yield the rules that the fields break together, where each by itself is right."""
        yield from ()

    @model_validator(mode="after")
    def _follow_the_rules(self) -> Self:
        if broken := [*self.broken_rules()]:
            raise ValueError("\n".join(broken))
        return self


M = TypeVar("M", bound=Model)

JSON_WORDS = {
    "Input should": "must",
    "String should": "must",
    "Dictionary should": "must",
    " after validation, not 0": "",
    "an object": "a table",
    "a valid dictionary": "a table",
    "a valid array": "a list",
}
"""What TOML calls the things that pydantic names as JSON does."""


def parse(model: type[M], tree: dict[str, Any]) -> M:
    """Return ``tree`` as a model. Types are held to: "3" and true are no numbers, 3.0 no integer.

    Read as JSON, where a list may stand for a tuple and a table for a dataclass.
    """
    return model.model_validate_json(json.dumps(tree, default=str), strict=True)


def mistakes(model: type[Model], tree: dict[str, Any]) -> list[str]:
    """Return every mistake in ``tree`` as data for ``model``, a line each; none if it is right."""
    found = [*unknown_keys(model, tree)]
    try:
        parse(model, tree)
    except ValidationError as error:
        places: dict[str, list[ErrorDetails]] = {}
        for item in error.errors():
            places.setdefault(_place(item, tree), []).append(item)
        for place, items in places.items():
            told = [item for item in items if not _is_told_below(place, item, places)]
            rules = _rule(told).splitlines() if told else []
            found += [f"{place}: {rule}" if place else rule for rule in rules]
    return found


def _place(item: ErrorDetails, tree: Any) -> str:
    """Return where a mistake is, by the keys that lead there in ``tree``."""
    parts = []
    *way, last = item["loc"] or ("",)
    for part in [*way, last]:
        is_missing = item["type"] == "missing" and part is last
        if isinstance(tree, dict) and (part in tree or is_missing):
            tree = tree.get(part)
        elif isinstance(tree, list | tuple) and isinstance(part, int):
            tree = tree[part]
        else:
            continue  # pydantic's name for one of several types
        parts.append(str(part))
    return ".".join(parts)


def _is_told_below(place: str, item: ErrorDetails, places: Iterable[str]) -> bool:
    """Return whether a table was tried as something else too, and what is wrong is inside it."""
    if not isinstance(item["input"], dict) or item["type"] == "missing":
        return False
    return any(other.startswith(f"{place}.") for other in places)


def _rule(items: list[ErrorDetails]) -> str:
    """Return the rule of one place, or the several of which one must hold there."""
    if items[0]["type"] == "missing":
        return "is missing"
    rule = " or ".join(item["msg"].removeprefix("Value error, ") for item in items)
    for said, meant in JSON_WORDS.items():
        rule = rule.replace(said, meant)
    rule = rule.replace(" or must be ", " or ")
    if items[0]["type"] == "value_error":  # worded here, with what was got if that helps
        return rule
    return f"{rule}, got {reprlib.repr(items[0]['input'])}"


def unknown_keys(kind: Any, tree: Any, place: str = "") -> Iterator[str]:
    """Walk data beside its type, and name each key that the type has no field for."""
    known = _fields(kind)
    if known and isinstance(tree, dict):
        for key, value in tree.items():
            if key in known:
                yield from unknown_keys(known[key], value, f"{place}{key}.")
            else:
                near = get_close_matches(str(key), known, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                yield f"{place}{key}: unknown key; {remedy}"
    elif get_origin(kind) is dict and isinstance(tree, dict):  # dict[str, Item]
        for key, value in tree.items():
            yield from unknown_keys(get_args(kind)[1], value, f"{place}{key}.")
    elif get_origin(kind) is tuple and isinstance(tree, list):  # tuple[Item, ...]
        for i, value in enumerate(tree):
            yield from unknown_keys(get_args(kind)[0], value, f"{place}{i}.")
    else:  # Item | None
        for choice in get_args(kind):
            if _fields(choice):
                yield from unknown_keys(choice, tree, place)


def _fields(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: info.annotation for name, info in kind.model_fields.items()}
    if is_dataclass(kind):
        return {field.name: field.type for field in fields(kind)}
    return {}
