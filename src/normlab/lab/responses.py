"""What is measured on a trial: one number each, by name.

Built in are, for each recorded quantity, its last value (``test_accuracy``) and its best
(``best_test_accuracy``), and the few others of ``BUILT_IN``. An experiment defines more of its
own: the steps to reach a value, and summaries of what its probes recorded.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import Field, FiniteFloat

from normlab._typing import FloatArray
from normlab.lab.validation import Model
from normlab.training import History, Series

Scale: TypeAlias = Literal["share", "number"]
"""Of a response: a share between 0 and 1, or any number."""


class Quantity(NamedTuple):
    """What a history has a column of."""

    words: str
    part: Literal["train", "test", "batch"]
    scale: Scale  # a share is the better the larger it is, a number the smaller


QUANTITIES: dict[str, Quantity] = {
    "train_accuracy": Quantity("training accuracy", "train", "share"),
    "test_accuracy": Quantity("test accuracy", "test", "share"),
    "train_loss": Quantity("training loss", "train", "number"),
    "test_loss": Quantity("test loss", "test", "number"),
    "batch_accuracy": Quantity("accuracy on the batch", "batch", "share"),
    "batch_loss": Quantity("loss on the batch", "batch", "number"),
}


class SeriesForm(NamedTuple):
    """Which probe gives a series, and its axes behind the steps."""

    probe: str
    axes: tuple[str, ...]


SERIES: dict[str, SeriesForm] = {
    "input_mean": SeriesForm("inputs", ("layer",)),
    "input_std": SeriesForm("inputs", ("layer",)),
    "input_percentiles": SeriesForm("inputs", ("layer", "percentile")),
    "output_mean": SeriesForm("outputs", ("layer",)),
    "output_std": SeriesForm("outputs", ("layer",)),
    "output_percentiles": SeriesForm("outputs", ("layer", "percentile")),
    "unit_percentiles": SeriesForm("units", ("layer", "unit", "percentile")),
    "histogram": SeriesForm("histograms", ("layer", "bin")),
    "gradient_norm": SeriesForm("gradients", ("layer",)),
    "parameter_gradient_norm": SeriesForm("gradients", ("parameter",)),
    "update_ratio": SeriesForm("updates", ("parameter",)),
    "dead_share": SeriesForm("dead-units", ("layer",)),
    "running_mean_error": SeriesForm("statistics", ("layer",)),
    "running_var_ratio": SeriesForm("statistics", ("layer",)),
    "passed_gradient": SeriesForm("projection", ("layer",)),
}


class Response(NamedTuple):
    """A number that a trial gives."""

    words: str
    scale: Scale
    quantities: tuple[str, ...]  # the recorded quantities that it needs
    of: Callable[[History], float]
    waits: bool = False  # for a step; where NaN, it did not come by the last step


class ResponseSpec(Model):
    """A response of an experiment's own, in its file.

    ``steps-to-reach``: the first recorded step at which ``quantity`` is at least ``value`` (a
    loss: at most). A trial that does not get there counts with the last step recorded at its
    levels, which understates its difference from one that does.

    The others summarize a series of a probe, of the labels that ``select`` names on its axes (all
    where it does not; ``"ReLU"`` selects every layer of that class, ``"ReLU 2"`` one):
    ``first``, ``last``, ``mean``: the mean over the selection at the first probed step, the last,
    or all of them; ``range``: largest minus smallest value over the probed steps, then the mean
    over the selection; ``growth``: by what factor the square of the values grows from each layer
    to the one before it, at the first probed step, fitted on a logarithmic scale; ``skip`` layers
    are left out at both ends.
    """

    kind: Literal["steps-to-reach", "first", "last", "mean", "range", "growth"]
    label: str
    quantity: str | None = None
    value: FiniteFloat | None = None
    series: str | None = None
    select: dict[str, str | float | tuple[str | float, ...]] = Field(default_factory=dict)
    skip: int = Field(0, ge=0)

    def broken_rules(self) -> Iterator[str]:
        """Yield what the kind needs and is not there, or the other way round."""
        of_quantity = self.kind == "steps-to-reach"
        needed = ("quantity", "value") if of_quantity else ("series",)
        other = ("series", "select") if of_quantity else ("quantity", "value")
        for name in needed:
            if getattr(self, name) is None:
                yield f"must have a {name} where its kind is {self.kind!r}"
        for name in other:
            if getattr(self, name):
                yield f"must have no {name} where its kind is {self.kind!r}"
        if self.skip and self.kind != "growth":
            yield f"must have no skip where its kind is {self.kind!r}"

    def response(self) -> Response:
        """Return the response."""
        if self.kind == "steps-to-reach":
            needed = (self.quantity or "",)
            return Response(self.label, "number", needed, self._first_step, waits=True)
        return Response(self.label, "number", (), self._of_series)

    def _first_step(self, history: History) -> float:
        """Return the first step that reached the value, NaN where none did."""
        values = getattr(history, self.quantity or "")
        better = values >= self.value
        if QUANTITIES[self.quantity or ""].scale == "number":
            better = values <= self.value
        steps = history.step[better & (history.step <= history.n_steps)]
        return float(steps[0]) if len(steps) else np.nan

    def _of_series(self, history: History) -> float:
        series = history.probes.get(self.series or "")
        if series is None or 0 in (values := selected(series, self.select)).shape:
            return np.nan
        with np.errstate(all="ignore"):  # overflow is a result
            return SUMMARIES[self.kind](values, self.skip)


def selected(series: Series, select: dict[str, Any]) -> FloatArray:
    """Return the values at the labels that ``select`` names on the axes of a series."""
    values = series.values
    for i, (axis, labels) in enumerate(zip(series.axes, series.labels, strict=True), start=1):
        if axis in select:
            wanted = select[axis] if isinstance(select[axis], tuple | list) else (select[axis],)
            at = [j for j, label in enumerate(labels) if any(is_label(label, w) for w in wanted)]
            values = np.take(values, at, axis=i)
    return values


def is_label(label: str | float, wanted: str | float) -> bool:
    """Return whether a label is the wanted one, or of the wanted class: "ReLU 2" is a "ReLU"."""
    if isinstance(label, str) and isinstance(wanted, str):
        return label == wanted or label.rpartition(" ")[0] == wanted
    return label == wanted


def _first(values: FloatArray, skip: int) -> float:
    return float(values[0].mean())


def _last(values: FloatArray, skip: int) -> float:
    return float(values[-1].mean())


def _mean(values: FloatArray, skip: int) -> float:
    return float(values.mean())


def _range(values: FloatArray, skip: int) -> float:
    return float((values.max(axis=0) - values.min(axis=0)).mean())


def _growth(values: FloatArray, skip: int) -> float:
    """Return exp(-slope) of log(value^2) over the layers, the first of them first."""
    squares = np.log(values[0].ravel()[skip : values[0].size - skip] ** 2)
    if len(squares) < 2 or not np.isfinite(squares).all():
        return np.nan
    return float(np.exp(-np.polyfit(np.arange(len(squares)), squares, 1)[0]))


SUMMARIES: dict[str, Callable[[FloatArray, int], float]] = {
    "first": _first,
    "last": _last,
    "mean": _mean,
    "range": _range,
    "growth": _growth,
}


def _final(name: str, history: History) -> float:
    return float(getattr(history, name)[-1])


def _best(name: str, history: History) -> float:
    values = getattr(history, name)
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan
    return float(values.max() if QUANTITIES[name].scale == "share" else values.min())


def _gap(history: History) -> float:
    return float(history.train_accuracy[-1] - history.test_accuracy[-1])


BUILT_IN: dict[str, Response] = {
    **{
        name: Response(quantity.words, quantity.scale, (name,), partial(_final, name))
        for name, quantity in QUANTITIES.items()
    },
    **{
        f"best_{name}": Response(f"best {q.words}", q.scale, (name,), partial(_best, name))
        for name, q in QUANTITIES.items()
    },
    "generalization_gap": Response(
        "training minus test accuracy", "number", ("train_accuracy", "test_accuracy"), _gap
    ),
    "diverged": Response(
        "share that diverged", "share", (), lambda h: float(h.diverged_at_step is not None)
    ),
    "diverged_at_step": Response(
        "step of divergence", "number", (), lambda h: float(h.diverged_at_step or np.nan)
    ),
    "seconds_per_step": Response("seconds a step", "number", (), lambda h: h.seconds_per_step),
}
"""The responses that every experiment has."""
