"""What is watched inside a training, and when, as plain data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from normlab import _checks

ProbeName: TypeAlias = Literal[
    "inputs",
    "outputs",
    "units",
    "histograms",
    "gradients",
    "updates",
    "dead-units",
    "statistics",
    "projection",
]

NAMES: tuple[str, ...] = get_args(ProbeName)


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What is watched inside a training, and at which steps.

    A probe at step s watches the forward and backward pass, in training mode, that step s makes
    on its own batch, before it moves the weights: at step 1, the initial network. The pass is
    watched, not repeated, so that a probed training takes the same steps to the bit.

    Each probe gives series (``History.probes``), with these axes behind the steps. Layers are
    named by class and place among its like, ``"Dense 1"``, ``"ReLU 2"``; parameters as in the
    network, ``"0.weight"``. Activation layers are the element-wise ones.

    ===============  =================================  ========================================
    probe            series (its axes)                  what it is
    ===============  =================================  ========================================
    ``inputs``       ``input_mean``, ``input_std``      mean and standard deviation of all
                     (layer)                            values of the layer's input
    ..               ``input_percentiles``              their percentiles
                     (layer, percentile)
    ``outputs``      ``output_mean``, ``output_std``,   the same of the layer's output
                     ``output_percentiles``
    ``units``        ``unit_percentiles``               over the batch, of the input of each of
                     (layer, unit, percentile)          an activation layer's first units
    ``histograms``   ``histogram`` (layer, bin)         share of an activation layer's outputs
                                                        in each bin; values beyond the edges lie
                                                        in the end bins, NaN in none
    ..               ``histogram_edges`` (layer, edge)  sigmoid 0..1, tanh -1..1, ReLU 0..5
    ``gradients``    ``gradient_norm`` (layer)          ``||dL/dy||``: of the loss, by the
                                                        layer's output for the whole batch
    ..               ``parameter_gradient_norm``        ``||dL/dp||``, weight decay included
                     (parameter)
    ``updates``      ``update_ratio`` (parameter)       ``||p_after - p|| / ||p||`` of the step;
                                                        NaN where p is 0
    ``dead-units``   ``dead_share`` (layer)             share of an activation layer's units
                                                        whose derivative is below 1e-3 on every
                                                        row: with ReLU, those that are never on
    ``statistics``   ``running_mean_error`` (layer)     of a BatchNorm before the step's update:
                                                        root mean square over features of
                                                        ``(running_mean - mean) / std``
    ..               ``running_var_ratio`` (layer)      geometric mean over features of
                                                        ``running_var / var``
    ``projection``   ``passed_gradient`` (layer)        median over features of
                                                        ``||dx|| / ||dy||``, norms over the
                                                        batch, that a BatchNorm of the layer's
                                                        size and eps, with gamma 1, lets pass of
                                                        a normal dy on a normal batch of rows
    ===============  =================================  ========================================

    Parameters
    ----------
    names
        The probes. Default: none, which costs nothing.
    first_step
        The first probed step, counted from 1. Default 1.
    every
        Steps between probes. Default: those of one pass over the training data.
    percentiles
        Those of ``inputs``, ``outputs`` and ``units``, each in 0..100. Default 15, 50, 85.
    units
        How many units of a layer ``units`` shows, >= 1. Default 10; NaN where a layer has fewer.
    bins
        Bins of ``histograms``, >= 1. Default 40.

    Raises
    ------
    ArgumentError
        Naming the field and the rule it breaks.
    """

    names: tuple[ProbeName, ...] = ()
    first_step: int = 1
    every: int | None = None
    percentiles: tuple[float, ...] = (15.0, 50.0, 85.0)
    units: int = 10
    bins: int = 40

    def __post_init__(self) -> None:
        if self.every is not None:
            _checks.integer("every", self.every, at_least=1)
        plain = {
            "names": _names(self.names),
            "first_step": _checks.integer("first_step", self.first_step, at_least=1),
            "percentiles": _percentiles(self.percentiles),
            "units": _checks.integer("units", self.units, at_least=1),
            "bins": _checks.integer("bins", self.bins, at_least=1),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)  # Python's own numbers, which JSON takes


def _names(names: Any) -> tuple[str, ...]:
    is_list = isinstance(names, Iterable) and not isinstance(names, str)
    _checks.require(is_list, "names", "be a list of probes", names, "For example ('units',).")
    found = tuple(_checks.one_of(f"names[{i}]", name, NAMES) for i, name in enumerate(names))
    _checks.require(len(set(found)) == len(found), "names", "name each probe once", found)
    return found


def _percentiles(percentiles: Any) -> tuple[float, ...]:
    _checks.instance("percentiles", percentiles, Iterable, "For example (15, 50, 85).")
    return tuple(
        _checks.real(f"percentiles[{i}]", value, at_least=0, at_most=100)
        for i, value in enumerate(percentiles)
    )
