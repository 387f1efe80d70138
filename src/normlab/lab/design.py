"""The trials of an experiment in a row: where each stands, its configuration and its name.

Combinations of levels that differ only in what does nothing there (how gamma starts, in a network
without normalization) share their trials: each is run once, and stands at all of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from normlab.lab.config import TrialConfig
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Levels, grid
from normlab.lab.identity import identity, name_of
from normlab.lab.interrupts import put_off


class Design:
    """All trials of an experiment by number: one replicate after the other.

    Held are the names alone; a configuration is made when it is asked for.

    Parameters
    ----------
    experiment
        What is run.
    digests
        What was in each folder of data, where this is about an earlier run. By default that is
        looked up, which needs the folders.
    """

    def __init__(self, experiment: Experiment, digests: Mapping[str, str] | None = None) -> None:
        self.experiment = experiment
        self.digests = dict(digests or {})
        self._is_known = digests is not None
        self._sharing: list[list[Levels]] = []  # the combinations of each trial of a replicate
        self.names = self._names()

    def __len__(self) -> int:
        return len(self.names)

    def places(self, i: int) -> list[tuple[Levels, int]]:
        """Return the levels and the replicate of a trial, wherever it stands."""
        replicate, at = divmod(i, len(self._sharing))
        return [(levels, replicate) for levels in self._sharing[at]]

    def config(self, i: int) -> TrialConfig:
        """Return the configuration of a trial."""
        with put_off():  # Pydantic calls our rules from Rust
            return self._config(*self.places(i)[0])

    def one_of_each(self, trials: Iterable[int]) -> Iterator[TrialConfig]:
        """Return a configuration of each combination of levels that is among these trials."""
        one = {i % len(self._sharing): i for i in trials}
        return map(self.config, one.values())

    def _config(self, levels: Levels, replicate: int) -> TrialConfig:
        if not self._is_known:
            return self.experiment.resolve(levels, replicate)
        config = TrialConfig.model_validate(self.experiment.tree_of(levels, replicate))
        digest = self.digests.get(config.data.directory or "")
        return config.model_copy(update={"data_digest": digest})

    def _names(self) -> list[str]:
        """Return the name of each trial. Replicates differ in their number and nothing else."""
        found: dict[str, tuple[dict[str, Any], list[Levels]]] = {}
        for levels in grid(self.experiment.factors):
            config = self._config(levels, replicate=0)
            tree = identity(config)
            found.setdefault(name_of(tree), (tree, []))[1].append(levels)
            if config.data.directory is not None and config.data_digest is not None:
                self.digests[config.data.directory] = config.data_digest
        self._sharing = [sharing for _, sharing in found.values()]
        trees = [tree for tree, _ in found.values()]
        replicates = range(self.experiment.replicates)
        return [name_of({**tree, "replicate": r}) for r in replicates for tree in trees]
