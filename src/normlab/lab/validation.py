"""What all models of the laboratory share, and how their mistakes are worded."""

import json
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Self, TypeVar, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, Tag, ValidationError, model_validator
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

NO_KINDS: Mapping[str, Any] = {}

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

JSON_WORDS = {
    "Input should": "must",
    "String should": "must",
    "Tuple should": "must",
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
    return model.model_validate_json(json.dumps(tree, default=_as_json), strict=True)


def _as_json(value: Any) -> Any:
    """Return what JSON has not: NumPy's numbers and arrays as Python's, all else in words."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def mistakes(model: type[Model], tree: dict[str, Any]) -> list[str]:
    """Return every mistake in ``tree`` as data for ``model``, a line each; none if it is right."""
    drawn = {name: part for name, part in tree.items() if name != "data"}  # which names a folder
    found = [*unknown_keys(model, tree), *_control_characters(drawn)]
    try:
        parse(model, tree)
    except ValidationError as error:
        places: dict[str, list[ErrorDetails]] = {}
        for item in error.errors():
            if item["type"] == "union_tag_invalid":
                continue  # unknown_keys() names it
            places.setdefault(_place(item, tree), []).append(item)
        for place, items in places.items():
            told = [item for item in items if not _is_told_below(place, item, places)]
            rules = _rule(told).splitlines() if told else []
            found += [f"{place}: {rule}" if place else rule for rule in rules]
    return found


def _control_characters(tree: Any, place: str = "") -> Iterator[str]:
    """Name each text that XML, and so a figure, cannot hold."""
    match tree:
        case str() if CONTROL.search(tree):
            yield f"{place.rstrip('.')}: must have no control characters, got {tree!r}"
        case dict():
            for key, value in tree.items():
                yield from _control_characters(value, f"{place}{key}.")
        case list() | tuple():
            for i, value in enumerate(tree):
                yield from _control_characters(value, f"{place}{i}.")


def _place(item: ErrorDetails, tree: Any) -> str:
    """Return where a mistake is, by the keys that lead there in ``tree``."""
    parts = []
    *way, last = item["loc"] or ("",)
    for part in [*way, last]:
        is_missing = item["type"] == "missing" and part is last
        if isinstance(tree, dict) and (part in tree or is_missing):
            tree = tree.get(part)
        elif isinstance(tree, list | tuple) and isinstance(part, int) and part < len(tree):
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


def kind_of(value: Any) -> str:
    """Return which of several kinds a value is, as data or as an object; unnamed, the first."""
    named = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return "mlp" if named is None else str(named)


def unknown_keys(
    kind: Any, tree: Any, place: str = "", kinds: Mapping[str, Any] = NO_KINDS
) -> Iterator[str]:
    """Walk data beside its type, and name each key that the type has no field for.

    Where the type is one of several kinds, the data says which; one that there is not is named too.
    """
    known = _fields(kind)
    if known and isinstance(tree, dict):
        for key, value in tree.items():
            if key in known:
                yield from unknown_keys(known[key], value, f"{place}{key}.")
            else:
                yield f"{place}{key}: unknown key; {_remedy(str(key), known, kinds)}"
    elif choices := _kinds(kind):
        if kind_of(tree) in choices:
            yield from unknown_keys(choices[kind_of(tree)], tree, place, choices)
        else:
            rule = f"must be one of {', '.join(map(repr, choices))}"
            yield f"{place}kind: {rule}, got {tree['kind']!r}"
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


def _remedy(key: str, known: Iterable[str], kinds: Mapping[str, Any]) -> str:
    for name, other in kinds.items():
        if key in _fields(other):
            return f"known where kind = {name!r}"
    near = get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _fields(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: info.annotation for name, info in kind.model_fields.items()}
    if is_dataclass(kind):
        return {field.name: field.type for field in fields(kind)}
    return {}


def _kinds(kind: Any) -> dict[str, Any]:
    """Return the types of which the data names one, by that name; none where it is one type."""
    tagged = [get_args(choice) for choice in get_args(kind) if get_origin(choice) is Annotated]
    return {t.tag: choice for choice, *notes in tagged for t in notes if isinstance(t, Tag)}
