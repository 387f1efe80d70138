"""``normlab show``."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.cli.progress import progress
from normlab.cli.tables import print_table, stdout, typed

if TYPE_CHECKING:
    from normlab.lab import Experiment

NAME_HELP = "An experiment of the catalog, or the path of a TOML file."

NEW_LINE = "\n"

QUICK_HELP = "The quick setting: fewer levels, replicates or steps, done in under a minute."

IN_SENTENCES = ("training.recording.", "training.probes.")
"""Parts of the set-up that are told in sentences."""


def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help=NAME_HELP)],
    quick: Annotated[bool, typer.Option("--quick", help=QUICK_HELP)] = False,
    no_estimate: Annotated[
        bool, typer.Option("--no-estimate", help="Do not measure how long it takes here.")
    ] = False,
) -> None:
    """Show what an experiment asks, trains, varies, records, claims and draws, and its time here.

    The time is measured, in two or three seconds.
    """
    from normlab import lab

    experiment = lab.load(name, quick=quick)
    _question(experiment)
    _design(experiment)
    _answers(experiment)
    out, options = stdout(), " --quick" if quick else ""
    n_trainings, n_trials = experiment.n_trainings, experiment.n_trials
    same = "" if n_trainings == n_trials else ", some combinations being the same training"
    out.print(
        f"\n{n_trainings} trainings: {n_trials // experiment.replicates}"
        f" combinations of levels x {experiment.replicates} replicates{same}."
    )
    if not no_estimate:
        out.print(_time(experiment))
    out.print(f"Run them with: normlab run {typed(name)}{options}")


def _question(experiment: "Experiment") -> None:
    setting = " (quick setting)" if experiment.setting == "quick" else ""
    stdout().print(f"{experiment.title}{setting}\n\n{experiment.question}")
    _points("Sources", [source.text for source in experiment.sources])


def _design(experiment: "Experiment") -> None:
    from normlab.lab import descriptions, tables

    stdout().print()
    print_table(tables.factors(experiment))
    set_up = tables.set_up(experiment)
    rows = tuple(row for row in set_up.rows if not row[0].startswith(IN_SENTENCES))
    print_table(set_up._replace(rows=rows))
    _points("Recorded", descriptions.recording(experiment))


def _answers(experiment: "Experiment") -> None:
    from normlab.lab import descriptions

    own = experiment.responses.items()
    _points("Responses", [f"{name}: {descriptions.response(spec)}" for name, spec in own])
    _points(
        "Claims",
        [
            f"{claim.statement}\n  {descriptions.judging(experiment, claim)}"
            for claim in experiment.claims
        ],
    )
    drawn = experiment.figures
    _points("Figures", [f"{spec.file}: {descriptions.figure(spec)}" for spec in drawn])
    if experiment.quick:
        _points("With --quick", [descriptions.quick(experiment)])


def _points(title: str, points: Iterable[str]) -> None:
    """Print a list under a title; nothing where it is empty."""
    lines = [f"- {point}" for point in points]
    if lines:
        stdout().print(f"\n{title}", *lines, sep="\n", soft_wrap=True)


def _time(experiment: "Experiment") -> str:
    """Measure how long all trainings take here, and return it as a sentence."""
    from normlab.lab.estimate import estimate

    try:
        with progress("measurements of the time") as show_progress:
            found = estimate(experiment, on_progress=show_progress)
    except (RuntimeError, MemoryError) as error:  # workers that cannot start, or die, among them
        return f"How long they take is not known: {str(error).partition(NEW_LINE)[0]}"
    workers = f"{found.n_workers} worker{'' if found.n_workers == 1 else 's'}"
    return (
        f"They take about {_duration(found.seconds)} with {workers}:"
        f" {_duration(found.seconds_per_trial)} each, measured on this machine just now. Starting"
        " workers, compiling and drawing come on top; trainings that diverge end sooner."
    )


def _duration(seconds: float) -> str:
    """Return ``0.27 s``, ``25 s``, ``12 min``, ``1.5 h``."""
    if seconds < 9.5:
        return f"{seconds:.2g} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
