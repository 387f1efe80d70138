"""An experiment as data: the form of its file."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from normlab.lab.config import DataConfig, TrialConfig, digest
from normlab.lab.factors import Factor, Levels, grid, set_field
from normlab.lab.model import Model
from normlab.network import MLPSpec
from normlab.training import TrainingConfig

RESPONSES = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
Response = Literal["train_accuracy", "test_accuracy", "train_loss", "test_loss"]

COLUMNS = ("replicate", "step", "epoch", *RESPONSES, "diverged_at_step")
"""The columns of an experiment's table, beside those of its factors."""


class Source(Model):
    """Where a set-up, a claim or a number was published."""

    text: str


class Contrast(Model):
    """Two levels of a factor whose difference, treatment minus baseline, is the answer."""

    factor: str
    baseline: bool | int | float | str
    treatment: bool | int | float | str
    response: Response


class FigureSpec(Model):
    """A figure of the results, and the name of its files without suffix.

    ``small-multiples``: a panel a level of ``panels``, a curve over epochs a level of ``lines``.
    ``response-against-factor``: the final response over the levels of ``x``.
    """

    kind: Literal["small-multiples", "response-against-factor"]
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    lines: str
    response: Response
    panels: str | None = None
    x: str | None = None

    @property
    def axis(self) -> Literal["panels", "x"]:
        """The name of the figure's own axis."""
        return "panels" if self.kind == "small-multiples" else "x"

    @property
    def across(self) -> str:
        """The factor of that axis."""
        return getattr(self, self.axis) or ""

    @model_validator(mode="after")
    def _its_own_axis(self) -> Self:
        if not self.across:
            raise ValueError(f"must name the factor of {self.axis!r} for a {self.kind} figure")
        return self


class Experiment(Model):
    """A question, and the trainings that answer it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    question: str
    sources: tuple[Source, ...] = ()
    replicates: int = Field(5, ge=1)
    seed: int = Field(0, ge=0)
    published: str | None = None
    data: DataConfig = DataConfig()
    network: MLPSpec
    training: TrainingConfig
    factors: dict[str, Factor]
    contrast: Contrast
    figures: tuple[FigureSpec, ...] = ()

    @property
    def n_trials(self) -> int:
        """Combinations of levels times replicates."""
        return len(grid(self.factors)) * self.replicates

    def resolve(self, levels: Levels, replicate: int) -> TrialConfig:
        """Return the training of one combination of levels and one replicate."""
        config = TrialConfig.model_validate(self.tree_of(levels, replicate))
        if config.data.directory is None:
            return config
        return config.model_copy(update={"data_digest": digest(config.data.directory)})

    def tree_of(self, levels: Levels, replicate: int) -> dict[str, Any]:
        """Return that training as data, not validated."""
        tree = self.model_dump(include={"data", "network", "training", "seed"})
        for name, level in levels.items():
            set_field(tree, self.factors[name].field, level)
        return tree | {"replicate": replicate}

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        """Check that contrast and figures are about factors and responses that there are."""
        wrong = [*self._wrong_factors(), *self._wrong_contrast(), *self._wrong_figures()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _wrong_factors(self) -> Iterator[str]:
        if not self.factors:
            yield "factors: must name one factor at least, got none"
        fields = [factor.field for factor in self.factors.values()]
        for name, factor in self.factors.items():
            if not name.isidentifier() or name in COLUMNS:
                yield (
                    "factors: must have names of letters, digits and _, other than"
                    f" {', '.join(COLUMNS)}, got {name!r}"
                )
            if fields.count(factor.field) > 1:
                yield f"factors.{name}.field: must not be another factor's, got {factor.field!r}"

    def _wrong_contrast(self) -> Iterator[str]:
        contrast = self.contrast
        yield from self._wrong_factor("contrast.factor", contrast.factor)
        yield from self._wrong_response("contrast.response", contrast.response)
        if contrast.factor in self.factors:
            levels = [*self.factors[contrast.factor].values]
            for name in ("baseline", "treatment"):
                if getattr(contrast, name) not in levels:
                    got = getattr(contrast, name)
                    yield f"contrast.{name}: must be one of the levels {levels}, got {got!r}"
        if contrast.baseline == contrast.treatment:
            yield f"contrast.treatment: must not be the baseline, got {contrast.treatment!r}"

    def _wrong_figures(self) -> Iterator[str]:
        files = [figure.file for figure in self.figures]
        for i, figure in enumerate(self.figures):
            yield from self._wrong_factor(f"figures.{i}.lines", figure.lines)
            yield from self._wrong_factor(f"figures.{i}.{figure.axis}", figure.across)
            yield from self._wrong_response(f"figures.{i}.response", figure.response)
            if figure.across == figure.lines:
                yield f"figures.{i}.{figure.axis}: must not be its lines, got {figure.lines!r}"
            if figure.file in files[:i]:
                yield f"figures.{i}.file: must not be another figure's, got {figure.file!r}"

    def _wrong_factor(self, place: str, name: str) -> Iterator[str]:
        if name not in self.factors:
            yield f"{place}: must be one of the factors {[*self.factors]}, got {name!r}"

    def _wrong_response(self, place: str, response: Response) -> Iterator[str]:
        part = response.split("_")[0]
        if getattr(self.training.recording, part) == "never":
            never = f"training.recording.{part} = 'never'"
            yield f"{place}: must be recorded, got {response!r} with {never}"
