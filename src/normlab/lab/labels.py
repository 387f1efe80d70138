"""Labels on the axes of what probes record, as responses select and figures name them.

Which there are follows from the layers of the networks and the settings of the probes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

import numpy as np

from normlab.lab.config import SetUp
from normlab.lab.experiment import Experiment
from normlab.lab.responses import is_label
from normlab.network import MLPSpec, NetworkSpec, build_network
from normlab.training.probes.observation import labels_of

Label: TypeAlias = str | float


def misnamed(experiment: Experiment, configs: Iterable[SetUp]) -> Iterator[str]:
    """Yield each label that no combination of levels has, whose trials are ``configs``."""
    named = [*_named(experiment)]
    if not named:
        return
    there: dict[str, dict[Label, None]] = {}  # in their order
    for config in configs:
        for axis, labels in _labels(config).items():
            there.setdefault(axis, {}).update(dict.fromkeys(labels))
    for place, axis, wanted, may_be_class in named:
        found = there.get(axis, {})
        if wanted not in found and not (may_be_class and any(is_label(f, wanted) for f in found)):
            yield f"{place}: must be one of {_in_short([*found])}, got {wanted!r}"


def _named(experiment: Experiment) -> Iterator[tuple[str, str, Label, bool]]:
    """Yield the place, the axis and the label, and whether it may be a class of layers."""
    for name, spec in experiment.responses.items():
        for axis, wanted in spec.select.items():
            for label in wanted if isinstance(wanted, tuple) else (wanted,):
                yield f"responses.{name}.select.{axis}", axis, label, True
    for i, figure in enumerate(experiment.figures):
        if figure.layer is not None:
            yield f"figures.{i}.layer", "layer", figure.layer, False
        if figure.kind == "percentile-bands":
            yield f"figures.{i}.unit", "unit", figure.unit, False


def _labels(config: SetUp) -> dict[str, Iterable[Label]]:
    """Return the labels on each axis that can be selected from."""
    layers, parameters = _layers_and_parameters(_smallest(config.network))
    probes = config.training.probes
    return {
        "layer": layers,
        "parameter": parameters,
        "percentile": probes.percentiles,
        "unit": range(probes.units),
        "bin": range(probes.bins),
    }


def _smallest(spec: NetworkSpec) -> NetworkSpec:
    """Return a spec of the same layers, of one unit or map each."""
    if isinstance(spec, MLPSpec):
        return replace(spec, weight_init=1.0, sizes=(1,) * len(spec.sizes))
    maps, hidden = (1,) * len(spec.maps), (1,) * len(spec.hidden)
    return replace(spec, weight_init=1.0, maps=maps, hidden=hidden)


@lru_cache
def _layers_and_parameters(spec: NetworkSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    network = build_network(spec, rng=np.random.default_rng(0))
    return tuple(labels_of(network.layers)), tuple(network.parameters)


def _in_short(labels: list[Label]) -> str:
    """Return "Dense 1 to 4, ReLU 1 to 3", or 0 to 9, or each of a few."""
    if labels and all(isinstance(label, int) for label in labels):
        return f"{labels[0]} to {labels[-1]}"
    if not labels or not all(isinstance(label, str) and " " in label for label in labels):
        return str(labels)
    numbers = [str(label).rpartition(" ") for label in labels]
    found = []
    for name, own in groupby(sorted(numbers, key=lambda n: n[0]), key=lambda n: n[0]):
        last = max(int(number) for _, _, number in own)
        found.append(f"{name} 1 to {last}" if last > 1 else f"{name} 1")
    return ", ".join(found)
