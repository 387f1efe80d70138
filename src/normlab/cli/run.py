"""``normlab run``."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from normlab.cli import as_json
from normlab.cli.one_run import Finished, How, one_run, tell
from normlab.cli.progress import progress
from normlab.cli.settings import parsed
from normlab.cli.show import QUICK_HELP
from normlab.cli.tables import print_table, stderr
from normlab.errors import NormlabError

RESULTS = Path("results")

ALL = "all"


def run(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|all",
            help="An experiment of the catalog, the path of a TOML file, or all of the catalog.",
        ),
    ],
    quick: Annotated[bool, typer.Option("--quick", help=QUICK_HELP)] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the results; with all, the folder of their folders.",
            show_default="results/NAME, results/NAME-quick",
            file_okay=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes.", show_default="one a processor"),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(min=1, help="Seeds a combination.", show_default="the experiment's"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Set any field; repeatable."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on the workers of a Dask cluster."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Discard finished trials and start over.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run an experiment, or all of them: train, store, compare, draw, report.

    Finished trials are kept: the same command continues an interrupted run, and finds everything
    done after a whole one.
    """
    fields = parsed(settings or [])
    if replicates is not None:
        fields["replicates"] = replicates
    if scheduler is not None and workers is not None:
        raise typer.BadParameter(
            f"must be left out with --scheduler, whose cluster has its own, got {workers}.",
            param_hint="--workers",
        )
    how = How(workers, scheduler, fresh, _typed())
    if name == ALL:
        _run_all(fields, quick, out or RESULTS, how, json)
    else:
        _run_one(name, fields, quick, out, how, json)


def _typed() -> str:
    """Return the command as it was typed; bytes that are no text are escaped."""
    return shlex.join(["normlab", *sys.argv[1:]]).encode(errors="backslashreplace").decode()


def _run_one(
    name: str, fields: dict[str, Any], quick: bool, out: Path | None, how: How, json: bool
) -> None:
    from normlab import lab

    experiment = lab.load(name, fields, quick=quick)
    found = one_run(experiment, out or RESULTS / _folder(experiment.name, quick), how)
    if json:
        as_json.print_json(as_json.run(*found))
    else:
        tell(found.results)
    if found.results.failures:
        raise typer.Exit(1)


def _run_all(fields: dict[str, Any], quick: bool, parent: Path, how: How, json: bool) -> None:
    """Run the catalog, one experiment after the other; one that cannot run stops no other."""
    from normlab import lab, report

    words, names = stderr(), lab.catalog()
    found: list[Finished] = []
    errors: dict[str, str] = {}
    for i, name in enumerate(names, start=1):
        words.print(f"{i} of {len(names)}: {name}")
        try:
            experiment = lab.load(name, fields, quick=quick)
            found.append(one_run(experiment, parent / _folder(name, quick), how))
        except NormlabError as error:
            errors[name] = f"{name} cannot run: {error}"
            words.print(errors[name])
    if found:
        with progress("steps of writing the index") as show_progress:
            show_progress(0, 1)
            words.print(f"Written: {report.write_index(parent)}")
    if json:
        runs = [as_json.run(*one) for one in found]
        as_json.print_json({"experiments": runs, "errors": errors})
    else:
        _tell_all(found)
    for line in errors.values():
        words.print(line)
    if errors or any(one.results.failures for one in found):
        raise typer.Exit(2 if errors else 1)


def _tell_all(found: list[Finished]) -> None:
    from normlab.lab import tables

    results = [one.results for one in found]
    print_table(tables.verdicts([(each.experiment, each.verdicts()) for each in results]))


def _folder(name: str, quick: bool) -> str:
    return f"{name}-quick" if quick else name
