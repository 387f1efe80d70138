"""Levels, factors and responses in words."""

from math import isclose, isfinite, isnan
from typing import Any

from normlab.lab.experiment import Experiment
from normlab.lab.factors import Factor, Level, Levels


def label(experiment: Experiment, name: str) -> str:
    """Return the label of a factor, or its name where it has none."""
    return experiment.factors[name].label or name.replace("_", " ")


def symbol(experiment: Experiment, name: str) -> str:
    """Return the short name of a factor: its symbol, or else its label."""
    return experiment.factors[name].symbol or label(experiment, name)


def axis(experiment: Experiment, name: str) -> str:
    """Return label and symbol of a factor, as an axis names it: ``"scale of weights, w"``."""
    return ", ".join(dict.fromkeys([label(experiment, name), symbol(experiment, name)]))


def level_names(experiment: Experiment, name: str) -> list[str]:
    """Return the levels of a factor as a legend says them.

    A factor that is there or not there: ``["without", "with batch normalization"]``. Any other:
    as ``titles`` says them.
    """
    return _with_and_without(experiment, name, "without") or titles(experiment, name)


def titles(experiment: Experiment, name: str) -> list[str]:
    """Return the levels of a factor as they stand alone, above a panel.

    A text is itself where the factor has no symbol: ``["before", "after"]``; that there is none
    says what of. Any other: as ``conditions`` says them.
    """
    factor, said = experiment.factors[name], conditions(experiment, name)
    if factor.symbol or said != equations(experiment, name):
        return said
    none = f"without {label(experiment, name)}"
    alone = [none if value == "none" else value for value in factor.values]
    return [v if isinstance(v, str) else c for v, c in zip(alone, said, strict=True)]


def conditions(experiment: Experiment, name: str) -> list[str]:
    """Return the levels of a factor as a sentence says them.

    A factor that is there or not there:
    ``["without batch normalization", "with batch normalization"]``. Any other: as equations.
    """
    absent = f"without {label(experiment, name)}"
    found = _with_and_without(experiment, name, absent)
    return found or equations(experiment, name)


def ticks(experiment: Experiment, name: str) -> list[str]:
    """Return the levels of a factor as they stand along an axis that names it.

    A factor that is there or not there: ``["without", "with"]``. Any other: as short texts.
    """
    found = _with_and_without(experiment, name, "without")
    return [name.split()[0] for name in found] or texts(experiment.factors[name])


def equations(experiment: Experiment, name: str) -> list[str]:
    """Return the levels of a factor as equations: ``["w = 1", "w = 0.54"]``."""
    return [f"{symbol(experiment, name)} = {t}" for t in texts(experiment.factors[name])]


def texts(factor: Factor) -> list[str]:
    """Return the levels of a factor as short texts, numbers with as few digits as tell them apart.

    Two digits at least: ``1``, ``0.54``, ``6.3e-4``.
    """
    for digits in range(2, 17):
        found = [_text(level, digits) for level in factor.values]
        if len(set(found)) == len(found):
            break
    return found


def place(experiment: Experiment, levels: Levels) -> str:
    """Return a combination of levels: ``"w = 0.54, batch size = 10"``."""
    named = levels.items()
    return ", ".join(f"{symbol(experiment, n)} = {text(experiment, n, v)}" for n, v in named)


def text(experiment: Experiment, name: str, level: Level) -> str:
    """Return a level as a short text."""
    factor = experiment.factors[name]
    return texts(factor)[factor.place(level)]


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits: ``0.817``, ``1.47``, ``5e-5``."""
    if isnan(value):
        return "-"
    if not isfinite(value):
        return "infinite" if value > 0 else "-infinite"
    return _text(float(f"{value:.{digits}g}"), digits)


def replicates(counts: list[int]) -> str:
    """Return how many replicates there are: ``"5 replicates"``, ``"3 to 5 replicates"``."""
    low, high = min(counts, default=0), max(counts, default=0)
    number = f"{high}" if low == high else f"{low} to {high}"
    return f"{number} replicate{'' if high == 1 else 's'}"


def short(value: Any) -> str:
    """Return a value as a person would write it."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(short(item) for item in value)
    return str(value)


def capitalized(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _with_and_without(experiment: Experiment, name: str, without: str) -> list[str]:
    """Return the names of a level that is there and one that is not, nothing for other levels."""
    absent = [level is False or level == "none" for level in experiment.factors[name].values]
    if len(absent) != 2 or sum(absent) != 1:
        return []
    return [without if none else f"with {label(experiment, name)}" for none in absent]


def _text(level: Level, digits: int) -> str:
    if isinstance(level, bool):
        return "yes" if level else "no"
    if isinstance(level, str):
        return level
    if level != 0 and not 1e-3 <= abs(level) * (1 + 1e-9) < 1e6:
        mantissa, exponent = f"{level:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent)}"
    if isclose(level, round(level), rel_tol=1e-12):
        return f"{round(level)}"
    return f"{float(f'{level:.{digits}g}'):.15g}"
