"""From a TOML file to an experiment, with every mistake in it named."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from math import prod
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from normlab.errors import ExperimentError
from normlab.lab import published
from normlab.lab.config import SetUp, TrialConfig, digest
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Levels, grid, set_field
from normlab.lab.files import is_file
from normlab.lab.labels import misnamed
from normlab.lab.misfits import misfits
from normlab.lab.obstacles import obstacles
from normlab.lab.provenance import COPY
from normlab.lab.validation import mistakes, parse, unknown_keys

CATALOG = Path(__file__).parent / "catalog"

KINDS_OF_LEVELS = ("levels", "linspace", "logspace")

MOST_BYTES = 1_000_000
MOST_COMBINATIONS = 10_000
MOST_TRIALS = 100_000
MOST_LINES = 20
"""Of a file, of its levels, of a run, and of the mistakes that are told."""

DURATIONS = ("training.steps", "training.epochs")

OF_LABELS = ("factors", "network", "training.probes")
"""What changes which layers and other labels there are, that a file as it was written names."""


def load(
    name: str | PathLike[str], settings: Mapping[str, Any] | None = None, *, quick: bool = False
) -> Experiment:
    """Return the experiment of the catalog called ``name``, or of the TOML file at that path.

    Parameters
    ----------
    name
        ``"weight-scale"``, or a path that ends in ``.toml``, or that of a run's
        ``experiment.json``.
    settings
        Fields to set before validation, by dotted name: ``{"training.learning_rate": 0.1}``.
    quick
        Whether to take the experiment's quick setting, its table ``quick``: fewer levels,
        replicates or steps, to look at in under a minute.

    Raises
    ------
    ExperimentError
        Naming the file, and each mistake in it with its place and rule. A combination of levels
        that cannot be trained is a mistake too.
    """
    path = find(fspath(name))
    try:
        return _load(path, dict(settings or {}), quick=quick)
    except RecursionError:
        raise ExperimentError(f"{path.name}: must have fewer tables in tables.") from None


def _load(path: Path, settings: dict[str, Any], *, quick: bool) -> Experiment:
    written = _read(path)
    quick_settings = _quick_settings(written, path, wanted=quick)
    if quick:
        settings = {"setting": "quick"} | quick_settings | settings
    tree = _with_fields_set(written, settings, path)
    found = _all_mistakes(tree, path, settings)
    if quick_settings and not quick and not found:
        quick_tree = _with_fields_set(written, quick_settings, path)
        found = [f"quick: {line}" for line in _all_mistakes(quick_tree, path, quick_settings)]
    if found:
        where = f"{path.name} with the fields set" if settings else path.name
        lines = [line for text in found for line in text.splitlines()]
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more mistakes"]
        raise ExperimentError("\n".join(f"{where}: {line}" for line in lines))
    experiment = parse(Experiment, tree)
    if experiment.data.directory is not None:
        known = {"data_digest": digest(experiment.data.directory)}
        experiment = experiment.model_copy(update=known)
    return _with_published(experiment, written, path)


def find(name: str) -> Path:
    """Return the path of an experiment's file."""
    path = Path(name) if name.endswith((".toml", ".json")) else CATALOG / f"{name}.toml"
    if is_file(path):
        return path
    if name.endswith((".toml", ".json")):
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
        if (size := path.stat().st_size) > MOST_BYTES:
            raise ValueError(f"must have at most {MOST_BYTES} bytes, got {size}.")
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix != ".json":
            return tomllib.loads(text)
        experiment = dict(json.loads(text)["experiment"])
        if is_file(path.with_name(COPY)):
            experiment["published"] = COPY
        return experiment
    except (OSError, ValueError, KeyError, TypeError) as error:
        form = "experiment.json of a run" if path.suffix == ".json" else "TOML file"
        raise ExperimentError(f"{path}: is not a readable {form}: {error}") from None


def _set(tree: dict[str, Any], field: str, value: Any) -> None:
    """Set one field; it takes the place of those that say the same in another way.

    These are the three kinds of a factor's levels, and steps and epochs.
    """
    _require_not_varied(tree, field, field)
    for name, factor in _factors_of(tree):
        if field in (f"factors.{name}.{kind}" for kind in KINDS_OF_LEVELS):
            for kind in KINDS_OF_LEVELS:
                factor.pop(kind, None)
    if field in DURATIONS and isinstance(tree.get("training"), dict):
        for duration in DURATIONS:
            tree["training"].pop(duration.partition(".")[2], None)
    set_field(tree, field, value)


def _require_not_varied(tree: dict[str, Any], field: str, place: str) -> None:
    for name, factor in _factors_of(tree):
        if field in _fields_of(factor):
            raise ExperimentError(
                f"{place}: is varied by the factor {name!r}; set its levels instead:"
                f" factors.{name}.levels."
            )


def _factors_of(tree: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the factors of a file, but for mistakes that are named later."""
    factors = tree.get("factors")
    named = factors.items() if isinstance(factors, dict) else ()
    return [(name, factor) for name, factor in named if isinstance(factor, dict)]


def _fields_of(factor: dict[str, Any]) -> list[Any]:
    """Return the fields that a factor varies, in a file that may have mistakes yet."""
    found = [factor.get("field")]
    levels = factor.get("levels")
    for level in levels if isinstance(levels, list) else ():
        named = level.get("set") if isinstance(level, dict) else None
        found += named if isinstance(named, dict) else ()
    return found


def _quick_settings(tree: dict[str, Any], path: Path, *, wanted: bool) -> dict[str, Any]:
    """Return the fields that the quick setting sets; none where there is none, unless wanted."""
    quick = tree.get("quick")
    if wanted and not quick:
        remedy = 'for example [quick] with the lines replicates = 3 and "training.steps" = 100'
        raise ExperimentError(f"{path.name}: quick: is missing; {remedy}.")
    settings = quick if isinstance(quick, dict) else {}
    for field in settings:
        _require_not_varied(tree, field, f"{path.name}: quick: {field}")
    return settings


def _with_fields_set(
    written: dict[str, Any], settings: Mapping[str, Any], path: Path
) -> dict[str, Any]:
    """Return what the file says with some fields set.

    A data folder is taken as seen from the file, or from here where it is one of these fields.
    """
    tree = deepcopy(written)
    for field, value in settings.items():
        _set(tree, field, value)
    data = tree.get("data")
    directory = data.get("directory") if isinstance(data, dict) else None
    if isinstance(directory, str) and isinstance(data, dict):
        base = Path() if "data.directory" in settings else path.parent
        data["directory"] = str((base / directory).absolute())
    return tree


def _all_mistakes(tree: dict[str, Any], path: Path, settings: Mapping[str, Any]) -> list[str]:
    """Return every mistake there is, a line each."""
    if found := mistakes(Experiment, tree):
        return found
    experiment = parse(Experiment, tree)
    if found := [*_too_many(experiment)]:
        return found
    is_stored = path.suffix == ".json"  # with what was set for that run
    levels_changed = is_stored or any(field.startswith("factors.") for field in settings)
    found = [*_missing_files(experiment, path)]
    found += misfits(experiment, levels_changed=levels_changed)
    found += _wrong_fields(experiment) or _impossible_trials(experiment)
    if not found and not is_stored and not any(field.startswith(OF_LABELS) for field in settings):
        found += misnamed(experiment, _set_ups(experiment))
    return found


def _too_many(experiment: Experiment) -> Iterator[str]:
    """Name what would make more trials than can be gone through."""
    n = prod(map(len, experiment.levels.values()))
    if n > MOST_COMBINATIONS:
        yield f"factors: must make at most {MOST_COMBINATIONS} combinations of levels, got {n}"
    elif n * experiment.replicates > MOST_TRIALS:
        rule = f"must be at most {MOST_TRIALS // n}, for {MOST_TRIALS} trials"
        yield f"replicates: {rule}, got {experiment.replicates}"


def _with_published(experiment: Experiment, written: dict[str, Any], path: Path) -> Experiment:
    """Return the experiment with the path of its published values.

    Without them where data, network or training are not as written: those were published for
    another experiment.
    """
    if experiment.published is None:
        return experiment
    then = None if mistakes(Experiment, written) else parse(Experiment, written)
    parts = ("data", "network", "training")
    if then is None or any(getattr(then, part) != getattr(experiment, part) for part in parts):
        return experiment.model_copy(update={"published": None})
    experiment = experiment.model_copy(
        update={"published": str(path.parent / experiment.published)}
    )
    published.read(experiment, experiment.contrast.response)  # a mistake in it is found now
    return experiment


def _missing_files(experiment: Experiment, path: Path) -> list[str]:
    name = experiment.published
    if name is None or is_file(path.parent / name):
        return []
    remedy = "copy that file too, or delete the line"
    return [f"published: must be a file beside it, got {name!r}; {remedy}"]


def _wrong_fields(experiment: Experiment) -> list[str]:
    """Name each factor that varies what there is not."""
    found = []
    for name, factor in experiment.factors.items():
        for field in factor.fields:
            if field in (*SetUp.model_fields, ""):
                rule = "must be one field, such as network.weight_init"
                found.append(f"factors.{name}.field: {rule}, got {field!r}")
                continue
            tree: dict[str, Any] = {"network": {"kind": experiment.network.kind}}
            set_field(tree, field, None)
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


def _set_ups(experiment: Experiment) -> Iterator[SetUp]:
    for levels in grid(experiment.factors):
        yield parse(TrialConfig, experiment.tree_of(levels, replicate=0))


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
