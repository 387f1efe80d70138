"""An experiment as data: a TOML file, validated on reading."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from normlab.errors import ExperimentError
from normlab.lab.factors import Factor, Levels, grid, set_field
from normlab.lab.model import Model, mistakes
from normlab.network import MLPSpec
from normlab.training import TrainingConfig

CATALOG = Path(__file__).parent / "catalog"

RESPONSES = ("train_accuracy", "train_loss", "test_accuracy", "test_loss")
Response = Literal["train_accuracy", "train_loss", "test_accuracy", "test_loss"]


class Source(Model):
    """Where a set-up, a claim or a number was published."""

    text: str


class DataConfig(Model):
    """MNIST, or a folder of IDX files in its form; all rows or the first ones."""

    directory: str | None = None
    n_train: int | None = Field(default=None, ge=1)
    n_test: int | None = Field(default=None, ge=1)


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

    @model_validator(mode="after")
    def _its_own_axis(self) -> Self:
        axis = "panels" if self.kind == "small-multiples" else "x"
        if getattr(self, axis) is None:
            raise ValueError(f"must name the factor of {axis!r} for a {self.kind} figure")
        return self


class TrialConfig(Model):
    """One training, resolved: everything that its result depends on."""

    data: DataConfig
    network: MLPSpec
    training: TrainingConfig
    seed: int
    replicate: int


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
        tree = self.model_dump(include={"data", "network", "training", "seed"})
        for name, level in levels.items():
            set_field(tree, self.factors[name].field, level)
        return TrialConfig.model_validate(tree | {"replicate": replicate})

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        """Check that factors vary what there is, and that contrast and figures name factors."""
        named: list[tuple[str, str | None]] = [("contrast.factor", self.contrast.factor)]
        for i, figure in enumerate(self.figures):
            named += [(f"figures.{i}.lines", figure.lines), (f"figures.{i}.panels", figure.panels)]
            named += [(f"figures.{i}.x", figure.x)]
        for place, name in named:
            if name is not None and name not in self.factors:
                raise ValueError(
                    f"{place} must be one of the factors {[*self.factors]}, got {name!r}"
                )
        for level in (self.contrast.baseline, self.contrast.treatment):
            if level not in self.factors[self.contrast.factor].values:
                raise ValueError(f"contrast names {level!r}, which is no level of its factor")
        return self


def load(name: str, settings: Mapping[str, Any] | None = None) -> Experiment:
    """Return the experiment of the catalog called ``name``, or of the TOML file at that path.

    Parameters
    ----------
    name
        ``"weight-scale"``, or a path that ends in ``.toml``.
    settings
        Fields to set before validation, by dotted name: ``{"training.learning_rate": 0.1}``.

    Raises
    ------
    ExperimentError
        Naming the file, and each mistake in it with its place and rule.
    """
    path = find(name)
    tree = _read(path)
    for field, value in (settings or {}).items():
        _set(tree, field, value)
    found = mistakes(Experiment, tree)
    if not found:
        experiment = Experiment.model_validate(tree)
        found = [*_wrong_levels(experiment), *_missing_files(experiment, path)]
    if found:
        where = f"{path.name} with the fields set" if settings else path.name
        raise ExperimentError("\n".join(f"{where}: {line}" for line in found))
    published = None
    if experiment.published is not None and not _is_another_set_up(settings or {}):
        published = str(path.parent / experiment.published)
    return experiment.model_copy(update={"published": published})


def find(name: str) -> Path:
    """Return the path of an experiment's file."""
    path = Path(name) if name.endswith(".toml") else CATALOG / f"{name}.toml"
    if path.is_file():
        return path
    if name.endswith(".toml"):
        raise ExperimentError(f"{name}: no such file.")
    raise ExperimentError(
        f"There is no experiment {name!r}. In the catalog: {', '.join(catalog())};"
        " a file of your own ends in .toml."
    )


def catalog() -> list[str]:
    """Return the names of the experiments that come with normlab."""
    return sorted(path.stem for path in CATALOG.glob("*.toml"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{path}: is not a readable TOML file: {error}") from None


def _set(tree: dict[str, Any], field: str, value: Any) -> None:
    """Set one field; a factor's new levels take the place of those it had, of whatever kind."""
    factors = tree.get("factors", {})
    for name, factor in factors.items():
        if factor.get("field") == field:
            raise ExperimentError(
                f"{field}: is varied by the factor {name!r}; set its levels instead:"
                f" factors.{name}.levels."
            )
        for kind in ("levels", "linspace", "logspace"):
            if field == f"factors.{name}.{kind}":
                for other in ("levels", "linspace", "logspace"):
                    factor.pop(other, None)
    set_field(tree, field, value)


def _is_another_set_up(settings: Mapping[str, Any]) -> bool:
    """Return whether the fields set make it another experiment than the published one."""
    return any(field.split(".")[0] in ("data", "network", "training") for field in settings)


def _wrong_levels(experiment: Experiment) -> list[str]:
    """Try each level of each factor by itself, with the first levels of the others."""
    found = []
    first = {name: factor.values[0] for name, factor in experiment.factors.items()}
    for name, factor in experiment.factors.items():
        tree = experiment.model_dump(include={"data", "network", "training", "seed"})
        for level in factor.values:
            for other, value in (first | {name: level}).items():
                set_field(tree, experiment.factors[other].field, value)
            for line in mistakes(TrialConfig, tree | {"replicate": 0}):
                found.append(f"factors.{name}, level {level!r}: {line}")
                break
    return found


def _missing_files(experiment: Experiment, path: Path) -> list[str]:
    published = experiment.published
    if published is None or (path.parent / published).is_file():
        return []
    return [f"published: must be a file beside it, got {published!r}"]
