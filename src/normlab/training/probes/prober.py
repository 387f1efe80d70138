"""What is measured from inside: the passes of probed steps, watched by probes."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from normlab import _checks
from normlab._typing import FloatArray
from normlab.network import Network
from normlab.training.config import TrainingConfig
from normlab.training.objective import Objective
from normlab.training.probes.observation import LayerPass, Observation, Reading, labels_of
from normlab.training.probes.table import PROBES
from normlab.training.series import Series
from normlab.training.stopwatch import Stopwatch


class Prober:
    """Watches the steps that the config asks for.

    What probes draw comes from a generator spawned from ``rng``, which changes none of its draws.
    """

    def __init__(
        self,
        network: Network,
        config: TrainingConfig,
        n_rows: int,
        rng: np.random.Generator,
        stopwatch: Stopwatch,
    ) -> None:
        self.network, self.settings, self.stopwatch = network, config.probes, stopwatch
        self.due = config.probed_steps(n_rows)
        if config.probes.names:
            rule = f"come by step {config.n_steps(n_rows)}, the last one"
            first = config.probes.first_step
            _checks.require(len(self.due) > 0, "probes.first_step", rule, first)
            self.rng = rng.spawn(1)[0]
        self.labels = labels_of(network.layers)
        self.steps: list[int] = []
        self.readings: list[dict[str, Reading]] = []

    @contextmanager
    def watching(self, step: int, x: FloatArray, result: Objective) -> Iterator[None]:
        """Watch the step that the optimizer takes inside, from ``result`` on the batch ``x``."""
        with self.stopwatch.paused():
            before = {name: p.copy() for name, p in self.network.parameters.items()}
        yield
        with self.stopwatch.paused(), np.errstate(all="ignore"):
            seen = Observation(
                self._layers(x, result),
                self.network.parameters,
                before,
                result.gradients,
                len(x),
                self.rng,
            )
            self._read(step, seen)

    def series(self) -> dict[str, Series]:
        """Return what was read as series; empty where nothing was."""
        first = self.readings[0] if self.readings else {}
        return {
            name: Series(axes, labels, np.array([read[name].values for read in self.readings]))
            for name, (axes, labels, _) in first.items()
        }

    def _layers(self, x: FloatArray, result: Objective) -> tuple[LayerPass, ...]:
        inputs = (x, *result.outputs[:-1])
        columns = (inputs, result.outputs, result.upstream, result.cache.layers)
        parts = zip(self.labels, self.network.layers, *columns, strict=True)
        return tuple(LayerPass(*part) for part in parts)

    def _read(self, step: int, seen: Observation) -> None:
        read: dict[str, Reading] = {}
        for name in self.settings.names:
            read |= PROBES[name](seen, self.settings)
        self.steps.append(step)
        self.readings.append(read)
