"""From a TOML file to an experiment, with every mistake in it named."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from normlab.errors import ExperimentError
from normlab.lab import published
from normlab.lab.config import SetUp, TrialConfig
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Levels, grid, set_field
from normlab.lab.model import mistakes, parse, unknown_keys
from normlab.lab.obstacles import obstacles

CATALOG = Path(__file__).parent / "catalog"

KINDS_OF_LEVELS = ("levels", "linspace", "logspace")

DURATIONS = ("training.steps", "training.epochs")


def load(name: str | PathLike[str], settings: Mapping[str, Any] | None = None) -> Experiment:
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
        Naming the file, and each mistake in it with its place and rule. A combination of levels
        that cannot be trained is a mistake too.
    """
    path = find(fspath(name))
    tree = _read(path)
    for field, value in (settings or {}).items():
        _set(tree, field, value)
    found = mistakes(Experiment, tree)
    if not found:
        experiment = parse(Experiment, tree)
        found = [*_missing_files(experiment, path)]
        found += _wrong_fields(experiment) or _impossible_trials(experiment)
    if found:
        where = f"{path.name} with the fields set" if settings else path.name
        lines = [line for text in found for line in text.splitlines()]
        raise ExperimentError("\n".join(f"{where}: {line}" for line in lines))
    if experiment.published is None or _is_another_set_up(settings or {}):
        return experiment.model_copy(update={"published": None})
    experiment = experiment.model_copy(
        update={"published": str(path.parent / experiment.published)}
    )
    published.read(experiment, experiment.contrast.response)  # a mistake in it is found now
    return experiment


def find(name: str) -> Path:
    """Return the path of an experiment's file."""
    path = Path(name) if name.endswith(".toml") else CATALOG / f"{name}.toml"
    if path.is_file():
        return path
    if name.endswith(".toml"):
        raise ExperimentError(f"{name}: no such file.")
    near = get_close_matches(name.replace("_", "-"), catalog(), n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else f"In the catalog: {', '.join(catalog())}."
    raise ExperimentError(
        f"There is no experiment {name!r}. {remedy} A file of your own ends in .toml."
    )


def catalog() -> list[str]:
    """Return the names of the experiments that come with normlab."""
    return sorted(path.stem for path in CATALOG.glob("*.toml"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExperimentError(f"{path}: is not a readable TOML file: {error}") from None


def _set(tree: dict[str, Any], field: str, value: Any) -> None:
    """Set one field; it takes the place of those that say the same in another way.

    These are the three kinds of a factor's levels, and steps and epochs.
    """
    factors = tree.get("factors")
    for name, factor in factors.items() if isinstance(factors, dict) else ():
        if not isinstance(factor, dict):
            continue  # a mistake that is named later
        if factor.get("field") == field:
            raise ExperimentError(
                f"{field}: is varied by the factor {name!r}; set its levels instead:"
                f" factors.{name}.levels."
            )
        if field in (f"factors.{name}.{kind}" for kind in KINDS_OF_LEVELS):
            for kind in KINDS_OF_LEVELS:
                factor.pop(kind, None)
    if field in DURATIONS and isinstance(tree.get("training"), dict):
        for duration in DURATIONS:
            tree["training"].pop(duration.partition(".")[2], None)
    set_field(tree, field, value)


def _is_another_set_up(settings: Mapping[str, Any]) -> bool:
    """Return whether the fields set make it another experiment than the published one."""
    return any(field.split(".")[0] in ("data", "network", "training") for field in settings)


def _missing_files(experiment: Experiment, path: Path) -> list[str]:
    name = experiment.published
    if name is None or (path.parent / name).is_file():
        return []
    remedy = "copy that file too, or delete the line"
    return [f"published: must be a file beside it, got {name!r}; {remedy}"]


def _wrong_fields(experiment: Experiment) -> list[str]:
    """Name each factor that varies what there is not."""
    found = []
    for name, factor in experiment.factors.items():
        tree: dict[str, Any] = {}
        set_field(tree, factor.field, None)
        found += [f"factors.{name}.field: {line}" for line in unknown_keys(SetUp, tree)]
    return found


def _impossible_trials(experiment: Experiment) -> list[str]:
    """Try every combination of levels; name each reason once, with the levels that it is due to."""
    combinations = grid(experiment.factors)
    reasons: dict[str, list[Levels]] = {}
    for levels in combinations:
        tree = experiment.tree_of(levels, replicate=0)
        for reason in mistakes(TrialConfig, tree) or obstacles(parse(TrialConfig, tree)):
            reasons.setdefault(reason, []).append(levels)
    return [_blamed(at, len(combinations)) + reason for reason, at in reasons.items()]


def _blamed(where: list[Levels], n_combinations: int) -> str:
    """Return the levels that all of these combinations share, unless they are all there are."""
    if len(where) == n_combinations:
        return ""
    shared = [
        f"{name} = {level}"
        for name, level in where[0].items()
        if all(levels[name] == level for levels in where)
    ]
    return f"factors, with {', '.join(shared)}: " if shared else "factors: "
