"""``normlab show``."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normlab.cli.tables import short, stdout, text_table

if TYPE_CHECKING:
    from normlab.lab import Experiment

NAME_HELP = "An experiment of the catalog, or the path of a TOML file."


def show(name: Annotated[str, typer.Argument(metavar="NAME|FILE", help=NAME_HELP)]) -> None:
    """Show what an experiment asks, trains, varies and records."""
    from normlab import lab

    experiment = lab.load(name)
    out = stdout()
    out.print(f"{experiment.title}\n\n{experiment.question}\n")
    for source in experiment.sources:
        out.print(f"- {source.text}")
    out.print()
    out.print(text_table(("factor", "field", "levels"), _factors(experiment), numbers_from=3))
    out.print()
    out.print(text_table(("set-up", ""), _set_up(experiment), numbers_from=2))
    out.print(
        f"\n{experiment.n_trials} trainings: {experiment.n_trials // experiment.replicates}"
        f" combinations of levels x {experiment.replicates} replicates."
        f"\nRun them with: normlab run {name}"
    )


def _factors(experiment: "Experiment") -> list[tuple[str, ...]]:
    return [
        (name, factor.field, ", ".join(short(level) for level in factor.values))
        for name, factor in experiment.factors.items()
    ]


def _set_up(experiment: "Experiment") -> list[tuple[str, ...]]:
    """Return every field that is set and does not vary, by dotted name."""
    from normlab.lab.factors import leaves

    varied = {factor.field for factor in experiment.factors.values()}
    parts: dict[str, Any] = {
        "data": experiment.data.model_dump(),
        "network": dataclasses.asdict(experiment.network),
        "training": dataclasses.asdict(experiment.training),
    }
    return [
        (field, short(value))
        for field, value in leaves(parts).items()
        if field not in varied and value not in (None, {})
    ]
