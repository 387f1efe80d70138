"""An experiment as data: the form of its file."""

from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from normlab.lab.claims import Claim, Contrast
from normlab.lab.config import DataConfig, NetworkConfig, TrialConfig, digest
from normlab.lab.factors import Factor, Level, Levels, grid, set_field
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.responses import BUILT_IN, Response, ResponseSpec
from normlab.lab.validation import Model
from normlab.training import TrainingConfig

if TYPE_CHECKING:
    from normlab.lab.results import Results


class Source(Model):
    """Where a set-up, a claim or a number was published."""

    text: str


class Experiment(Model):
    """A question, and the trainings that answer it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)
    title: str
    question: str
    sources: tuple[Source, ...] = ()
    replicates: int = Field(5, ge=1)
    seed: int = Field(0, ge=0)
    published: str | None = None
    data: DataConfig = DataConfig()
    data_digest: str | None = None  # of data.directory, found when the experiment is loaded
    network: NetworkConfig
    training: TrainingConfig
    factors: dict[str, Factor]
    contrast: Contrast
    responses: dict[str, ResponseSpec] = Field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    figures: tuple[FigureSpec, ...] = ()
    quick: dict[str, Any] = Field(default_factory=dict)
    setting: Literal["full", "quick"] = "full"

    @property
    def n_trials(self) -> int:
        """Combinations of levels times replicates."""
        return len(grid(self.factors)) * self.replicates

    @property
    def n_trainings(self) -> int:
        """Trials that are run: one for combinations of levels that differ in nothing there."""
        from normlab.lab.design import Design  # built on this module

        return len(Design(self))

    @property
    def levels(self) -> dict[str, tuple[Level, ...]]:
        """The levels of each factor."""
        return {name: factor.values for name, factor in self.factors.items()}

    def all_responses(self) -> dict[str, Response]:
        """Return the responses that every experiment has, and its own."""
        return BUILT_IN | {name: spec.response() for name, spec in self.responses.items()}

    def run(
        self,
        folder: str | PathLike[str] | None = None,
        *,
        n_workers: int | None = None,
        scheduler: str | None = None,
        progress: bool = True,
    ) -> "Results":
        """Run what is missing of this experiment in a folder, and return all of its results.

        Parameters
        ----------
        folder
            Where trials are stored, and found by a later run. Default: ``results/NAME`` of the
            full setting, ``results/NAME-quick`` of the quick one.
        n_workers, scheduler
            Worker processes of this machine, by default one a processor; or the address of a Dask
            scheduler, whose workers run the trials.
        progress
            Whether a run of more than two seconds says how far it is, in lines on stderr.
        """
        from normlab.lab import runner  # built on this module
        from normlab.lab.progress_lines import Lines, of_trials

        name = self.name if self.setting == "full" else f"{self.name}-quick"
        shown: dict[str, Any] = {"on_progress": of_trials(Lines("trials"))} if progress else {}
        return runner.run(
            self,
            Path("results") / name if folder is None else folder,
            n_workers=n_workers,
            scheduler=scheduler,
            **shown,
        )

    def resolve(self, levels: Levels, replicate: int) -> TrialConfig:
        """Return the training of one combination of levels and one replicate."""
        config = TrialConfig.model_validate(self.tree_of(levels, replicate))
        directory = config.data.directory
        if directory is None:
            return config
        known = self.data_digest if directory == self.data.directory else None
        return config.model_copy(update={"data_digest": known or digest(directory)})

    def tree_of(self, levels: Levels, replicate: int) -> dict[str, Any]:
        """Return that training as data, not validated."""
        tree = self.model_dump(include={"data", "network", "training", "seed"})
        for name, level in levels.items():
            for field, value in self.factors[name].settings(level).items():
                set_field(tree, field, value)
        return tree | {"replicate": replicate}

    def _repr_html_(self) -> str:
        """Return question, factors and set-up as static HTML, which notebooks show."""
        from normlab.lab import tables  # built on this module

        title, question = escape(self.title), escape(self.question)
        parts = [tables.factors(self)._repr_html_(), tables.set_up(self)._repr_html_()]
        counts = f"{self.n_trials} trials, {self.replicates} replicates a combination of levels"
        return f"<h3>{title}</h3><p>{question}</p>{''.join(parts)}<p>{counts}</p>"
