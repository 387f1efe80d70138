"""Numbers in sentences, for those who do not see a figure."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from normlab._typing import FloatArray
from normlab.lab.words import number

NOTHING = "nothing measured"


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop."""
    first = text[:1].upper() if text[1:2].isalpha() else text[:1]  # w, a symbol, stays
    return f"{first}{text[1:]}."


def listed(parts: Iterable[tuple[str, str]]) -> str:
    """Return names with what is said of each, as one sentence; nothing where there are none."""
    said = [f"{name}: {text}" if name else text for name, text in parts]
    return sentence("; ".join(said)) if said else ""


def span(values: Sequence[float] | FloatArray, names: Sequence[str] = ()) -> str:
    """Return smallest and largest of some values, with the names of where they are.

    ``"between 0.1 (w = 1) and 0.98 (w = 0.1)"``, ``"0.1 throughout"``, and where there is
    nothing elsewhere ``"0.1 (w = 1 alone)"``.
    """
    found = [float(value) for value in values]
    known = [i for i, value in enumerate(found) if np.isfinite(value)]
    if not known:
        return NOTHING
    if len(known) == 1 < len(found) and names:
        return f"{number(found[known[0]])} ({names[known[0]]} alone)"
    low, high = min(known, key=found.__getitem__), max(known, key=found.__getitem__)
    if number(found[low]) == number(found[high]):
        return number(found[low]) + (" throughout" if len(known) > 1 else "")
    at = [f" ({names[i]})" if names else "" for i in (low, high)]
    return f"between {number(found[low])}{at[0]} and {number(found[high])}{at[1]}"


def course(values: Sequence[float] | FloatArray) -> str:
    """Return where values begin and end: ``"from 0.1 to 0.98"``, with extremes outside that."""
    known = [float(value) for value in values if np.isfinite(value)]
    if not known:
        return NOTHING
    first, last = number(known[0]), number(known[-1])
    if len({number(value) for value in known}) == 1:
        return first + (" throughout" if len(known) > 1 else "")
    ends = sorted([known[0], known[-1]])
    beyond = [f"lowest {number(min(known))}"] if number(min(known)) != number(ends[0]) else []
    beyond += [f"highest {number(max(known))}"] if number(max(known)) != number(ends[1]) else []
    return ", ".join([f"from {first} to {last}", *beyond])


def levels(names: Sequence[str]) -> str:
    """Return levels by name where they are few, else their number, the first and the last."""
    if len(names) <= 3:
        return ", ".join(names)
    return f"{len(names)} levels from {names[0]} to {names[-1]}"


def counted(what: str, names: Sequence[str], counts: Iterable[Any], of: Iterable[Any]) -> str:
    """Return how many of the trials of each name did what, nothing where none did."""
    every = zip(names, map(np.sum, counts), map(np.sum, of), strict=True)
    some = [(name, f"{n} of {all_}") for name, n, all_ in every if n]
    text = "; ".join(f"{name}: {n}" if name else n for name, n in some)
    return f"Trials that {what}: {text}." if some else ""


def joined(*sentences: str) -> str:
    """Return sentences as one text; empty ones are left out."""
    return " ".join(sentence for sentence in sentences if sentence)
