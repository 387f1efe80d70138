"""Contrast, verdicts, responses and set-up as tables for people."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from math import isfinite, isnan
from typing import Any

import numpy as np

from normlab._table import Table
from normlab._typing import FloatArray
from normlab.lab import words
from normlab.lab.claims import Claim
from normlab.lab.experiment import Experiment
from normlab.lab.factors import leaves
from normlab.lab.intervals import Difference
from normlab.lab.outcomes import ContrastRow
from normlab.lab.published_tables import PublishedTable
from normlab.lab.responses import Scale
from normlab.lab.verdicts import Verdict


def contrast(experiment: Experiment, rows: Sequence[ContrastRow]) -> Table:
    """Return the contrast: a row a combination of the other factors' levels."""
    pair, response = experiment.contrast, experiment.all_responses()[experiment.contrast.response]
    names = [name for name in experiment.factors if name != pair.factor]
    a, b = (words.text(experiment, pair.factor, v) for v in (pair.baseline, pair.treatment))
    cells = []
    for row in rows:
        ends = row.baseline_diverged, row.treatment_diverged
        cells.append(
            (
                *(words.text(experiment, name, row.levels[name]) for name in names),
                *(_mean(values, response.scale) for values in (row.baseline, row.treatment)),
                signed(row.difference.mean),
                _interval(row.difference, signed),
                f"{ends[0]} / {ends[1]}" if any(ends) else "",
            )
        )
    notes = ["difference: paired over replicates"]
    if any(row[-1] for row in cells):
        notes += [f"diverged: replicates of {a} / of {b}", "what is not finite counts as wrong"]
    replicates = words.replicates([experiment.replicates])
    return Table(
        header=(*names, a, b, "difference", "95% interval", "diverged"),
        rows=tuple(cells),
        title=f"{words.capitalized(response.words)}, mean of {replicates}",
        caption="; ".join(notes),
        numbers_from=0,
    )


def verdicts(found: Iterable[tuple[Experiment, Sequence[Verdict]]]) -> Table:
    """Return a row a claim: experiment, statement, verdict and its numbers."""
    rows = [
        (
            *(named(experiment), v.claim.statement, v.answer),
            *(*told(v.claim, v.effect), where(v), f"{v.effect.n_pairs}"),
        )
        for experiment, verdicts in found
        for v in verdicts
    ]
    header = ("experiment", "claim", "verdict", "effect", "95% interval", "holds at", "pairs")
    return Table(header, tuple(rows), numbers_from=7)


def published(experiment: Experiment, found: Iterable[PublishedTable]) -> Table:
    """Return a row a cell of published tables: levels, what was published, and our numbers."""
    known, rows = experiment.all_responses(), []
    for table in found:
        for cell in table.cells:
            levels = (words.text(experiment, name, v) for name, v in cell.levels.items())
            texts = cell.published or "not published", *told_value(cell.measured)
            rows.append((known[table.response].words, *levels, *texts, cell.answer or ""))
    return Table(
        header=("response", *experiment.factors, "published", "here", "95% interval", "verdict"),
        rows=tuple(rows),
        title=f"Published, and here the mean of {words.replicates([experiment.replicates])}",
        numbers_from=len(experiment.factors) + 5,
    )


def set_up(experiment: Experiment) -> Table:
    """Return every field that is set and does not vary, by dotted name."""
    varied = {field for factor in experiment.factors.values() for field in factor.fields}
    parts: dict[str, Any] = {
        "data": experiment.data.model_dump(),
        "network": dataclasses.asdict(experiment.network),
        "training": dataclasses.asdict(experiment.training),
    }
    if not experiment.training.probes.names:
        del parts["training"]["probes"]
    rows = [
        (field, words.short(value))
        for field, value in leaves(parts).items()
        if field not in varied and value not in (None, {}, ())
    ]
    return Table(("set-up", ""), tuple(rows), numbers_from=2)


def factors(experiment: Experiment) -> Table:
    """Return the factors with their fields and levels."""
    rows = [
        (name, ", ".join(factor.fields), ", ".join(words.texts(factor)))
        for name, factor in experiment.factors.items()
    ]
    return Table(("factor", "field", "levels"), tuple(rows), numbers_from=3)


def told(claim: Claim, effect: Difference) -> tuple[str, str]:
    """Return an effect and its interval: ``("-0.280", "-0.300 to -0.260")``."""
    if claim.compare == "difference":
        return signed(effect.mean), _interval(effect, signed)
    mean, interval = told_value(effect)
    times = "\N{MULTIPLICATION SIGN} " if claim.compare == "ratio" and mean != "-" else ""
    return times + mean, interval


def told_value(measured: Difference) -> tuple[str, str]:
    """Return a mean without a sign and its interval: ``("0.959", "0.955 to 0.963")``."""
    return _digits(measured.mean), _interval(measured, _digits)


def where(verdict: Verdict) -> str:
    """Return at how many combinations of levels a claim holds: ``12 of 16 (10 needed)``."""
    n_places = len(verdict.places)
    text = f"{verdict.n_supporting} of {n_places}"
    return text if verdict.n_needed == n_places else f"{text} ({verdict.n_needed} needed)"


def signed(value: float) -> str:
    """Return a number with its sign, in three decimals or, where it is small, three digits."""
    if isnan(value):
        return "-"
    if value != 0 and not 0.0005 <= abs(value) < 100:
        return f"{'+' if value > 0 else ''}{words.number(value)}"
    return f"{value:+.3f}"


def named(experiment: Experiment) -> str:
    """Return the name of an experiment, and its setting where that is the quick one."""
    return experiment.name + (" (quick)" if experiment.setting == "quick" else "")


def _interval(difference: Difference, show: Callable[[float], str]) -> str:
    if isnan(difference.low):
        return "-"
    return f"{show(difference.low)} to {show(difference.high)}"


def _digits(value: float) -> str:
    """Return a number with three digits, zeros at its end too, so that all are told as exactly."""
    text = words.number(value)
    plain = isfinite(value) and value != 0 and "e" not in text and abs(value) < 100
    return f"{float(text):#.3g}" if plain else text


def _mean(values: FloatArray, scale: Scale) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "-"
    mean = float(known.mean())
    return f"{mean:.3f}" if scale == "share" else words.number(mean)
