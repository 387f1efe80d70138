"""The published values of an experiment, row by row matched to its levels."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from normlab._typing import FloatArray
from normlab.errors import ExperimentError
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Level, Levels, find_level, levels_at
from normlab.lab.responses import QUANTITIES

if TYPE_CHECKING:
    from normlab.lab.results import Results


class Points(NamedTuple):
    """A published curve, in the order of its steps."""

    step: FloatArray
    epoch: FloatArray
    value: FloatArray


class Comparison(NamedTuple):
    """A published final value beside ours."""

    response: str
    levels: Levels
    published: float
    mean: float  # over replicates
    low: float  # their range
    high: float
    inside: bool  # whether the published value is in that range


def read(experiment: Experiment, response: str) -> dict[tuple[Level, ...], Points]:
    """Return the published curves of a response by levels, in the order of the factors.

    The file is a CSV with a column for each factor, ``step``, ``epoch`` and some responses. A
    number that is none of the levels is left out: an experiment may be run at fewer scales than
    were published. Empty fields are left out too.

    Raises
    ------
    ExperimentError
        Naming the file, and the column or the value that does not fit the experiment.
    """
    if experiment.published is None:
        return {}
    path = Path(experiment.published)
    rows = _rows(path, experiment)
    matched: dict[tuple[str, ...], list[Level | None]] = {}  # few levels stand in many rows
    found: dict[tuple[Level, ...], list[tuple[float, ...]]] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path.name}, line {line}"
        texts = tuple(row[name] for name in experiment.factors)
        if texts not in matched:
            matched[texts] = [
                _level(row[name], factor.values, f"{where}, {name}")
                for name, factor in experiment.factors.items()
            ]
        levels = matched[texts]
        if row.get(response) and None not in levels:
            point = [_number(row[c], f"{where}, {c}") for c in ("step", "epoch", response)]
            key = tuple(level for level in levels if level is not None)
            found.setdefault(key, []).append(tuple(point))
    return {levels: Points(*np.array(sorted(points)).T) for levels, points in found.items()}


def compare(results: "Results") -> list[Comparison]:
    """Return each published final value beside ours, in the order of responses and levels.

    Left out is a curve that ends before our last step or after it, and one without a trial of
    ours whose value is finite.
    """
    return [row for name in QUANTITIES for row in _compare(results, name)]


def _compare(results: "Results", response: str) -> Iterator[Comparison]:
    experiment = results.experiment
    published = read(experiment, response)
    if not published:
        return
    ours, last_step = results.response(response), results.last_step
    for at in np.ndindex(ours.shape[:-1]):
        levels = levels_at(experiment.levels, at)
        points = published.get(tuple(levels.values()))
        found = ours[at][np.isfinite(ours[at])]
        if points is None or points.step[-1] != last_step or not len(found):
            continue
        value, low, high = float(points.value[-1]), float(found.min()), float(found.max())
        inside = low <= value <= high
        yield Comparison(response, levels, value, float(found.mean()), low, high, inside)


def _rows(path: Path, experiment: Experiment) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            rows, columns = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ExperimentError(f"{path}: is not a readable CSV file: {error}") from None
    needed = [*experiment.factors, "step", "epoch"]
    for column in needed:
        if column not in columns:
            raise ExperimentError(f"{path.name}: must have a column {column!r}, got {columns}.")
    for column in columns:
        if column not in (*needed, *QUANTITIES):
            raise ExperimentError(
                f"{path.name}: must have no columns but factors, step, epoch and responses,"
                f" got {column!r}."
            )
    return rows


def _level(text: str, values: Sequence[Level], where: str) -> Level | None:
    """Return the level that ``text`` stands for; None for a number that is none of them."""
    numbers = [v for v in values if not isinstance(v, bool | str)]
    for level in values:
        if isinstance(level, bool | str) and str(level).lower() == text.lower():
            return level
    if not numbers:
        raise ExperimentError(f"{where}: must be one of {list(values)}, got {text!r}.")
    number = _number(text, where)
    at = find_level(numbers, number)
    return None if at is None else numbers[at]


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ExperimentError(f"{where}: must be a number, got {text!r}.") from None
