"""What varies in an experiment: factors, their levels, and the grid of all combinations."""

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import isclose, isfinite
from typing import Any, TypeAlias

import numpy as np
from pydantic import Field, FiniteFloat

from normlab.lab.validation import Model

Level: TypeAlias = bool | int | float | str
Levels: TypeAlias = dict[str, Level]
"""One combination: the level of each factor by the factor's name."""


CLOSENESS = 1e-6
"""How far a written number may be from the level that it means, relatively."""


class NamedLevel(Model):
    """A level that sets several fields together, or one to a list, under a name of its own."""

    name: Level
    set: dict[str, Any] = Field(min_length=1)


class Space(Model):
    """Numbers at even distances: ``num`` of them from ``start`` to ``stop``, both included.

    In a ``logspace`` start and stop are exponents of 10.
    """

    start: FiniteFloat
    stop: FiniteFloat
    num: int = Field(ge=2, le=1000)


class Factor(Model):
    """What varies, and its levels: a list, a linspace or a logspace.

    A plain level is the value of ``field``; a named one sets the fields that it lists.
    """

    field: str | None = None
    label: str = ""
    symbol: str = ""
    levels: tuple[Level | NamedLevel, ...] = ()
    linspace: Space | None = None
    logspace: Space | None = None

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with the levels."""
        given = [bool(self.levels), self.linspace is not None, self.logspace is not None]
        if sum(given) != 1:
            yield "must have exactly one of levels, linspace and logspace"
            return
        numbers = [level for level in self.values if isinstance(level, float)]
        if not all(isfinite(number) for number in numbers):
            yield f"must have finite levels, got {reprlib.repr(self.values)}"
        if len(set(self.values)) < len(self.values):
            yield f"must have levels that differ, got {reprlib.repr(self.values)}"
        plain = len(self._named) < len(self.values)
        if plain and self.field is None:
            yield "must have a field, or levels that say what they set"
        if self.field is not None and not plain:
            yield "must have no field where every level says what it sets"

    @cached_property
    def values(self) -> tuple[Level, ...]:
        """The levels: names of the named ones, numbers computed where they are a space."""
        if self.linspace is not None:
            space = self.linspace
            with np.errstate(all="ignore"):  # what is too far apart is no level, as below
                return tuple(np.linspace(space.start, space.stop, space.num).tolist())
        if self.logspace is not None:
            space = self.logspace
            with np.errstate(all="ignore"):  # infinity is no level, and refused as one
                return tuple(np.logspace(space.start, space.stop, space.num).tolist())
        return tuple(v.name if isinstance(v, NamedLevel) else v for v in self.levels)

    @cached_property
    def _named(self) -> dict[Level, dict[str, Any]]:
        return {level.name: level.set for level in self.levels if isinstance(level, NamedLevel)}

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that some level sets."""
        named = [field for fields in self._named.values() for field in fields]
        return tuple(dict.fromkeys([*([] if self.field is None else [self.field]), *named]))

    def settings(self, level: Level) -> dict[str, Any]:
        """Return what a level sets, by dotted field name."""
        return self._named.get(level) or {self.field or "": level}

    def place(self, level: Level) -> int:
        """Return where a level stands among the levels; ``ValueError`` where it does not."""
        found = find_level(self.values, level)
        if found is None:
            raise ValueError(f"{level!r} is none of the levels {self.values}")
        return found

    @property
    def is_geometric(self) -> bool:
        """Whether the levels are positive numbers that are best drawn on a log axis."""
        values = [v for v in self.values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(values) < max(3, len(self.values)) or min(values) <= 0:
            return False
        return self.logspace is not None or max(values) / min(values) >= 100


def grid(factors: dict[str, Factor]) -> list[Levels]:
    """Return every combination of levels; the last factor varies fastest."""
    names = list(factors)
    return [
        dict(zip(names, combination, strict=True))
        for combination in product(*(factor.values for factor in factors.values()))
    ]


def levels_at(levels: Mapping[str, Sequence[Level]], at: Sequence[int]) -> Levels:
    """Return the combination that stands at these places of the levels, one a factor."""
    return {name: values[i] for (name, values), i in zip(levels.items(), at, strict=True)}


def leaves(tree: dict[str, Any], place: str = "") -> dict[str, Any]:
    """Return every field of nested dictionaries by its dotted name."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, f"{place}{name}.")
        else:
            found[f"{place}{name}"] = value
    return found


def set_field(tree: dict[str, Any], field: str, value: Any) -> None:
    """Set ``"a.b.c"`` in nested dictionaries, in place, making those on the way.

    A number counts the items of a list: ``"figures.0.file"``.
    """
    name, dot, rest = field.partition(".")
    index, _, below = rest.partition(".")
    inner = tree.get(name)
    if not dot:
        tree[name] = value
    elif isinstance(inner, list) and below and index.isdigit() and int(index) < len(inner):
        set_field(inner[int(index)], below, value)
    else:
        tree[name] = inner if isinstance(inner, dict) else {}
        set_field(tree[name], rest, value)


def find_level(values: Sequence[Level], wanted: Level) -> int | None:
    """Return the place of a level among the levels; a number that is close will do."""
    found = [i for i, value in enumerate(values) if _is_close(value, wanted)]
    return min(found, key=lambda i: values[i] != wanted, default=None)


def _is_close(value: Level, wanted: Level) -> bool:
    if isinstance(value, bool | str) or isinstance(wanted, bool | str):
        return type(value) is type(wanted) and value == wanted
    return isclose(value, wanted, rel_tol=CLOSENESS)
