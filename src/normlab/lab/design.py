"""The trials of an experiment in a row: where each stands, its configuration and its name."""

from collections.abc import Iterable, Iterator, Mapping

from normlab.lab.config import TrialConfig
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Levels, grid
from normlab.lab.identity import identity, name_of


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
        self.combinations = grid(experiment.factors)
        self.digests = dict(digests or {})
        self._is_known = digests is not None
        self.names = self._names()

    def __len__(self) -> int:
        return len(self.combinations) * self.experiment.replicates

    def place(self, i: int) -> tuple[Levels, int]:
        """Return the levels and the replicate of a trial."""
        replicate, combination = divmod(i, len(self.combinations))
        return self.combinations[combination], replicate

    def config(self, i: int) -> TrialConfig:
        """Return the configuration of a trial."""
        levels, replicate = self.place(i)
        if not self._is_known:
            return self.experiment.resolve(levels, replicate)
        config = TrialConfig.model_validate(self.experiment.tree_of(levels, replicate))
        digest = self.digests.get(config.data.directory or "")
        return config.model_copy(update={"data_digest": digest})

    def one_of_each(self, trials: Iterable[int]) -> Iterator[TrialConfig]:
        """Return a configuration of each combination of levels that is among these trials."""
        one = {i % len(self.combinations): i for i in trials}
        return map(self.config, one.values())

    def _names(self) -> list[str]:
        """Return the name of each trial. Replicates differ in their number and nothing else."""
        identities = []
        for i in range(len(self.combinations)):
            config = self.config(i)
            identities.append(identity(config))
            if config.data.directory is not None and config.data_digest is not None:
                self.digests[config.data.directory] = config.data_digest
        replicates = range(self.experiment.replicates)
        return [name_of({**tree, "replicate": r}) for r in replicates for tree in identities]
