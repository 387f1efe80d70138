"""The results of an experiment as arrays and tables."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any, NamedTuple

import numpy as np

from normlab._typing import FloatArray, IntArray
from normlab.lab.experiment import RESPONSES, Experiment
from normlab.lab.factors import Level, Levels
from normlab.lab.intervals import Difference, paired_difference
from normlab.training import History


class Trial(NamedTuple):
    """One training: where it stands in the design, and what it recorded."""

    levels: Levels
    replicate: int
    history: History


class Failure(NamedTuple):
    """A trial that ended in an error."""

    levels: Levels
    replicate: int
    cause: str


class ContrastRow(NamedTuple):
    """Baseline and treatment at one combination of the other factors' levels."""

    levels: Levels  # of the factors other than the contrast's
    baseline: FloatArray  # (replicates,) final responses, NaN where missing
    treatment: FloatArray
    baseline_diverged: int  # replicates
    treatment_diverged: int
    difference: Difference


class Results:
    """All trials of an experiment that are done.

    Arrays have one axis a factor, in the order of ``experiment.factors``, with the levels in
    theirs, then one for the replicates. NaN stands where a trial is missing.
    """

    def __init__(
        self, experiment: Experiment, trials: Sequence[Trial], failures: Sequence[Failure] = ()
    ) -> None:
        self.experiment = experiment
        self.failures = tuple(failures)
        place = {name: list(factor.values) for name, factor in experiment.factors.items()}
        cells: dict[tuple[int, ...], Trial] = {}
        for trial in trials:
            at = [place[name].index(level) for name, level in trial.levels.items()]
            cells[(*at, trial.replicate)] = trial
        self._cells = dict(sorted(cells.items()))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials in the order of levels and replicates, however they were run."""
        return tuple(self._cells.values())

    @property
    def levels(self) -> dict[str, tuple[Level, ...]]:
        """The levels of each factor."""
        return {name: factor.values for name, factor in self.experiment.factors.items()}

    @property
    def shape(self) -> tuple[int, ...]:
        """Levels of each factor, and replicates."""
        return (*map(len, self.levels.values()), self.experiment.replicates)

    @property
    def steps(self) -> IntArray:
        """The recorded steps of trials that did not diverge, in order."""
        return self._recorded("step")

    @property
    def epochs(self) -> IntArray:
        """The epoch of each of ``steps``."""
        return self._recorded("epoch")

    def curves(self, response: str) -> FloatArray:
        """Return a response at every one of ``steps``: shape ``(*levels, replicates, steps)``.

        The curve of a trial that diverged ends before the step where it did.
        """
        steps = self.steps
        curves = np.full((*self.shape, len(steps)), np.nan)
        for cell, trial in self._cells.items():
            history = trial.history
            taken = history.step <= history.n_steps
            at = np.searchsorted(steps, history.step[taken])
            curves[cell][at] = getattr(history, response)[taken]
        return curves

    def final(self, response: str) -> FloatArray:
        """Return the last recorded value of a response: shape ``(*levels, replicates)``.

        That of a trial that diverged was measured on arriving at the step where it did.
        """
        return self._each(lambda history: getattr(history, response)[-1])

    def diverged_at(self, column: str = "step") -> FloatArray:
        """Return the step (or epoch) of divergence, NaN where none: ``(*levels, replicates)``."""
        return self._each(
            lambda history: getattr(history, column)[-1] if history.diverged_at_step else np.nan
        )

    def contrast(self) -> list[ContrastRow]:
        """Return the experiment's contrast at each combination of the other factors' levels."""
        contrast = self.experiment.contrast
        axis = list(self.levels).index(contrast.factor)
        values = self.levels[contrast.factor]
        final, diverged = self.final(contrast.response), ~np.isnan(self.diverged_at())
        a, b = values.index(contrast.baseline), values.index(contrast.treatment)
        baseline: FloatArray = np.take(final, a, axis=axis)
        treatment: FloatArray = np.take(final, b, axis=axis)
        baseline_ends: FloatArray = np.take(diverged, a, axis=axis)
        treatment_ends: FloatArray = np.take(diverged, b, axis=axis)
        others = {name: v for name, v in self.levels.items() if name != contrast.factor}
        rows = []
        for place in np.ndindex(*map(len, others.values())):
            levels = {name: v[i] for (name, v), i in zip(others.items(), place, strict=True)}
            counts = int(baseline_ends[place].sum()), int(treatment_ends[place].sum())
            difference = paired_difference(baseline[place], treatment[place])
            rows.append(ContrastRow(levels, baseline[place], treatment[place], *counts, difference))
        return rows

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row a (trial, recorded step): factors, replicate, what was recorded."""
        for levels, replicate, history in self.trials:
            diverged = {"diverged_at_step": history.diverged_at_step}
            for row in history.rows():
                yield {**levels, "replicate": replicate, **row, **diverged}

    def to_csv(self) -> str:
        """Return ``rows()`` as CSV; a field is empty where nothing was recorded."""
        text = StringIO()
        columns = [*self.levels, "replicate", "step", "epoch", *RESPONSES, "diverged_at_step"]
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        for row in self.rows():
            for part in ("train", "test"):
                # An accuracy is never NaN where it was measured; a loss may be.
                if np.isnan(row[f"{part}_accuracy"]):
                    row[f"{part}_accuracy"] = row[f"{part}_loss"] = None
            writer.writerow(row)
        return text.getvalue()

    def _recorded(self, column: str) -> IntArray:
        found = {
            step: value
            for trial in self.trials
            for step, value in zip(
                trial.history.step.tolist(), getattr(trial.history, column).tolist(), strict=True
            )
            if step <= trial.history.n_steps
        }
        return np.array([found[step] for step in sorted(found)], dtype=np.int64)

    def _each(self, value: Any) -> FloatArray:
        array = np.full(self.shape, np.nan)
        for cell, trial in self._cells.items():
            array[cell] = value(trial.history)
        return array
