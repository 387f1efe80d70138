"""Results as CSV, for other programs."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from math import isnan
from typing import Any

import numpy as np

from normlab.lab.experiment import Experiment
from normlab.lab.outcomes import Trial
from normlab.lab.responses import QUANTITIES
from normlab.lab.verdicts import Verdict

PARTS = ("train", "test", "batch")

RECORD_COLUMNS = ("replicate", "step", "epoch", *QUANTITIES, "diverged_at_step")
PROBE_COLUMNS = ("replicate", "step", "series", "labels", "value")
"""The columns of an experiment's tables, beside those of its factors."""

VERDICT_COLUMNS = (
    *("experiment", "statement", "about", "source", "response", "verdict", "compared", "effect"),
    *("low", "high", "pairs", "holds_at", "combinations", "needed"),
)

CHUNK = 2**16
"""Characters that are written at once."""


def records(experiment: Experiment, trials: Sequence[Trial]) -> str:
    """Return one row a (trial, recorded step): factors, replicate, what was recorded.

    A field is empty where nothing was recorded. Columns of the batch are there only where it was.
    """
    of_batch = {name for name, quantity in QUANTITIES.items() if quantity.part == "batch"}
    absent = of_batch if experiment.training.recording.batch == "never" else set()
    columns = [*experiment.factors, *(name for name in RECORD_COLUMNS if name not in absent)]
    return _csv(columns, (row for trial in trials for row in _records(trial)))


def responses(experiment: Experiment, trials: Sequence[Trial]) -> str:
    """Return one row a trial: factors, replicate, every response; empty where there is none.

    A step that was waited for in vain is empty here.
    """
    known = experiment.all_responses()
    columns = [*experiment.factors, "replicate", *known]
    rows = []
    for trial in trials:
        values = {name: _known(response.of(trial.history)) for name, response in known.items()}
        rows.append({**trial.levels, "replicate": trial.replicate, **values})
    return _csv(columns, rows)


def verdicts(experiment: Experiment, verdicts: Iterable[Verdict]) -> str:
    """Return one row a claim: what it says, the verdict and its numbers."""
    rows = (
        {
            "experiment": experiment.name,
            **verdict.claim.model_dump(include={"statement", "about", "source", "response"}),
            "verdict": verdict.answer,
            "compared": verdict.claim.compare,
            "effect": _known(verdict.effect.mean),
            "low": _known(verdict.effect.low),
            "high": _known(verdict.effect.high),
            "pairs": verdict.effect.n_pairs,
            "holds_at": verdict.n_supporting,
            "combinations": len(verdict.places),
            "needed": verdict.n_needed,
        }
        for verdict in verdicts
    )
    return _csv(VERDICT_COLUMNS, rows)


def probes(experiment: Experiment, trials: Iterable[Trial]) -> Iterator[str]:
    """Yield one row a probed value: factors, replicate, step, series, its labels, value.

    In parts, because there may be millions.
    """
    columns = [*experiment.factors, *PROBE_COLUMNS]
    return _lines(columns, (row for trial in trials for row in _probed(trial)))


def _records(trial: Trial) -> Iterator[dict[str, Any]]:
    levels, replicate, history = trial
    for row in history.rows():
        for part in PARTS:
            # An accuracy is never NaN where it was measured; a loss may be.
            if isnan(row[f"{part}_accuracy"]):
                row[f"{part}_accuracy"] = row[f"{part}_loss"] = None
        yield {
            **levels,
            "replicate": replicate,
            **row,
            "diverged_at_step": history.diverged_at_step,
        }


def _probed(trial: Trial) -> Iterator[dict[str, Any]]:
    levels, replicate, history = trial
    place = {**levels, "replicate": replicate}
    for name, series in history.probes.items():
        for at in np.ndindex(series.values.shape):
            text = "; ".join(
                f"{axis} {along[i]}"
                for axis, along, i in zip(series.axes, series.labels, at[1:], strict=True)
            )
            step = int(history.probed_steps[at[0]])
            value = float(series.values[at])
            yield {**place, "step": step, "series": name, "labels": text, "value": value}


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    return "".join(_lines(columns, rows))


def _lines(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    text = StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow(row)
        if text.tell() > CHUNK:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
