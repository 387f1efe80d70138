"""The results of an experiment as arrays and tables."""

from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab._table import Table
from normlab._typing import FloatArray, IntArray
from normlab.errors import ArgumentError
from normlab.lab import export, published_tables, tables
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Level, levels_at
from normlab.lab.intervals import paired_difference
from normlab.lab.outcomes import ContrastRow, Failure, Trial
from normlab.lab.responses import QUANTITIES, Response
from normlab.lab.verdicts import Verdict, judge
from normlab.training import History

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas


class Results:
    """All trials of an experiment that are done.

    Arrays have one axis a factor, in the order of ``experiment.factors``, with the levels in
    theirs, then one for the replicates. NaN stands where a trial is missing.
    """

    def __init__(
        self, experiment: Experiment, trials: Iterable[Trial], failures: Sequence[Failure] = ()
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
        return self.experiment.levels

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
        """Return a recorded quantity at every one of ``steps``.

        The shape is ``(*levels, replicates, steps)``.
        The curve of a trial that diverged ends before the step where it did.
        """
        _checks.one_of("response", response, QUANTITIES)
        steps = self.steps
        curves = np.full((*self.shape, len(steps)), np.nan)
        for cell, trial in self._cells.items():
            history = trial.history
            taken = history.step <= history.n_steps
            at = np.searchsorted(steps, history.step[taken])
            curves[cell][at] = getattr(history, response)[taken]
        return curves

    def response(self, name: str) -> FloatArray:
        """Return a response of every trial: shape ``(*levels, replicates)``.

        Where it is the step at which something came, and it did not, that is the last step which
        was recorded at these levels. What was recorded last of a trial that diverged was measured
        on arriving at that step.
        """
        values = self._each(self._response(name).of)
        return np.where(self.unreached(name), self._last_steps()[..., np.newaxis], values)

    def unreached(self, name: str) -> NDArray[np.bool_]:
        """Return where a response is the last step for want of coming, in its shape."""
        response = self._response(name)
        if not response.waits:
            return np.zeros(self.shape, dtype=bool)
        return self.present() & np.isnan(self._each(response.of))

    @property
    def last_step(self) -> int:
        """The last recorded step of all trials, 0 where nothing was recorded."""
        return int(self.steps[-1]) if len(self.steps) else 0

    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the verdict on each claim of the experiment."""
        return tuple(
            judge(
                claim,
                self.experiment,
                self.response(claim.response),
                present=self.present(),
                unreached=self.unreached(claim.response),
            )
            for claim in self.experiment.claims
        )

    def diverged_at(self, column: str = "step") -> FloatArray:
        """Return the step (or epoch) of divergence, NaN where none: ``(*levels, replicates)``."""
        return self._each(
            lambda history: getattr(history, column)[-1] if history.diverged_at_step else np.nan
        )

    def contrast(self) -> list[ContrastRow]:
        """Return the experiment's contrast at each combination of the other factors' levels."""
        contrast = self.experiment.contrast
        final = self._pair(self.response(contrast.response))
        n_diverged = self._pair(~np.isnan(self.diverged_at())).sum(axis=-1)
        others = {name: v for name, v in self.levels.items() if name != contrast.factor}
        rows = []
        for place in np.ndindex(*map(len, others.values())):
            baseline, treatment = (one[place] for one in final)
            counts = int(n_diverged[0][place]), int(n_diverged[1][place])
            difference = paired_difference(baseline, treatment)
            levels = levels_at(others, place)
            rows.append(ContrastRow(levels, baseline, treatment, *counts, difference))
        return rows

    def present(self) -> NDArray[np.bool_]:
        """Return which trials are there: shape ``(*levels, replicates)``."""
        there = np.zeros(self.shape, dtype=bool)
        for cell in self._cells:
            there[cell] = True
        return there

    def to_csv(self) -> str:
        """Return one row a (trial, recorded step); a field is empty where nothing was recorded."""
        return export.records(self.experiment, self.trials)

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the rows of ``to_csv`` as a data frame; pandas must be installed.

        Raises
        ------
        ArgumentError
            Where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise ArgumentError(
                "pandas must be installed for to_pandas. Install it (pip install pandas), or"
                " take to_csv() or table()."
            ) from None
        return pandas.read_csv(StringIO(self.to_csv()), keep_default_na=False, na_values=[""])

    def table(self) -> Table:
        """Return the experiment's contrast as a table, which notebooks show."""
        return tables.contrast(self.experiment, self.contrast())

    def published_table(self) -> Table:
        """Return what sources print in their tables, cell by cell beside what was measured.

        It has no rows where no claim of the experiment says what was published.
        """
        return tables.published(self.experiment, published_tables.compare(self))

    def figure(self, file: str) -> "matplotlib.figure.Figure":
        """Return the drawing of the experiment's figure of this name.

        Raises
        ------
        ArgumentError
            Where the experiment has no such figure.
        """
        from normlab import figures  # built on this module

        names = [spec.file for spec in self.experiment.figures]
        _checks.one_of("file", file, names)
        return figures.draw(self, self.experiment.figures[names.index(file)])

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        name, n_trials = self.experiment.name, self.experiment.n_trials
        return f"Results({name!r}: {len(self.trials)} of {n_trials} trials{failed})"

    def _repr_html_(self) -> str:
        verdicts = tables.verdicts([(self.experiment, self.verdicts())])
        shown = [self.table(), *(t for t in (self.published_table(), verdicts) if t.rows)]
        return "".join(table._repr_html_() for table in shown)

    def _last_steps(self) -> IntArray:
        """Return the last step of each combination; of all trials where all there diverged."""
        last = np.zeros(self.shape[:-1], dtype=np.int64)
        for (*at, _), trial in self._cells.items():
            if trial.history.diverged_at_step is None:
                last[tuple(at)] = trial.history.step[-1]
        return np.where(last > 0, last, self.last_step)

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

    def _pair(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return baseline and treatment of the contrast: ``(2, *other levels, replicates)``."""
        contrast = self.experiment.contrast
        factor = self.experiment.factors[contrast.factor]
        first = np.moveaxis(array, list(self.levels).index(contrast.factor), 0)
        return np.stack(
            [first[factor.place(contrast.baseline)], first[factor.place(contrast.treatment)]]
        )

    def _response(self, name: str) -> Response:
        known = self.experiment.all_responses()
        return known[_checks.one_of("response", name, known)]

    def _each(self, value: Callable[[History], float]) -> FloatArray:
        array = np.full(self.shape, np.nan)
        for cell, trial in self._cells.items():
            array[cell] = value(trial.history)
        return array
