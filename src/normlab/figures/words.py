"""Levels, factors and responses in words."""

from math import isclose

from normlab.lab.experiment import Experiment
from normlab.lab.factors import Factor, Level

RESPONSES = {
    "train_accuracy": "training accuracy",
    "train_loss": "training loss",
    "test_accuracy": "test accuracy",
    "test_loss": "test loss",
}

SYMBOLS = {"network.weight_init": "w", "training.learning_rate": "learning rate"}
"""Short names, by the field that a factor varies."""


def label(experiment: Experiment, name: str) -> str:
    """Return the label of a factor, or its name where it has none."""
    return experiment.factors[name].label or name.replace("_", " ")


def symbol(experiment: Experiment, name: str) -> str:
    """Return the short name of a factor: its symbol, or else its label."""
    return SYMBOLS.get(experiment.factors[name].field) or label(experiment, name)


def level_names(experiment: Experiment, name: str) -> list[str]:
    """Return the levels of a factor as a legend says them.

    A factor that is there or not there: ``["without", "with batch normalization"]``. Any other:
    ``["batch size = 10", "batch size = 100"]``.
    """
    factor, what = experiment.factors[name], label(experiment, name)
    absent = [_is_absent(level) for level in factor.values]
    if len(absent) == 2 and sum(absent) == 1:
        return ["without" if none else f"with {what}" for none in absent]
    return equations(experiment, name)


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


def replicates(counts: list[int]) -> str:
    """Return how many replicates there are: ``"5 replicates"``, ``"3 to 5 replicates"``."""
    low, high = min(counts, default=0), max(counts, default=0)
    number = f"{high}" if low == high else f"{low} to {high}"
    return f"{number} replicate{'' if high == 1 else 's'}"


def _is_absent(level: Level) -> bool:
    return level is False or level == "none"


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
