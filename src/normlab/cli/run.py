"""``normlab run``."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from normlab.cli.progress import PlainProgress, TerminalProgress
from normlab.cli.show import NAME_HELP
from normlab.cli.tables import as_json, contrast_table, equations, print_table, stderr

if TYPE_CHECKING:
    from normlab.lab import Experiment, Progress, Results

INTERRUPTED = 130


def run(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help=NAME_HELP)],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the results.", show_default="results/NAME", file_okay=False),
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
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Discard finished trials and start over.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Run an experiment: train, store, compare, draw.

    Finished trials are kept: the same command continues an interrupted run, and finds everything
    done after a whole one.
    """
    from normlab import lab

    fields = _parsed(settings or [])
    if replicates is not None:
        fields["replicates"] = replicates
    experiment = lab.load(name, fields)
    folder = out or Path("results") / experiment.name
    words = stderr()
    words.print(f"{experiment.title}: {experiment.n_trials} trainings, stored in {folder}")
    if changes := lab.changes(experiment, folder):
        words.print(
            f"{folder} was last used with another set-up ({'; '.join(changes)}). Its trials stay;"
            " its table and figures are replaced. --out names another folder."
        )
    if fresh:
        words.print(f"--fresh: discarded {lab.discard(experiment, folder)} finished trials")
    try:
        results = _run(experiment, folder, workers)
        files = _write(results, folder)
    except KeyboardInterrupt:
        done = lab.n_stored(experiment, folder)
        words.print(
            f"Interrupted: {done} of {experiment.n_trials} trials are kept in {folder};"
            " the same command continues."
        )
        raise typer.Exit(INTERRUPTED) from None
    if json:
        typer.echo(as_json(results, files))
    else:
        print_table(contrast_table(results))
    for failure in results.failures:
        words.print(f"failed: {equations(failure)}: {failure.cause}")
    words.print("Written:", *(f"\n  {path}" for path in files), sep="")
    if results.failures:
        raise typer.Exit(1)


def _run(experiment: "Experiment", folder: Path, workers: int | None) -> "Results":
    from normlab import lab

    words = stderr()
    with TerminalProgress(words) if words.is_terminal else PlainProgress(words) as show_progress:

        def report(progress: "Progress") -> None:
            if progress.done + progress.failed == progress.found:  # at the start
                for path in progress.set_aside:
                    words.print(f"damaged, set aside, and its trial runs again: {path}")
            show_progress(progress)

        return lab.run(experiment, folder, n_workers=workers, on_progress=report)


def _write(results: "Results", folder: Path) -> list[Path]:
    from normlab.lab.store import write_file

    table = folder / "results.csv"
    write_file(table, results.to_csv().encode())
    if not results.experiment.figures:
        return [table]
    from normlab import figures

    return [*figures.draw_all(results, folder), table]


def _parsed(settings: list[str]) -> dict[str, Any]:
    """Return ``FIELD=VALUE`` texts as a dictionary; a value is TOML, or else a plain string."""
    fields: dict[str, Any] = {}
    for setting in settings:
        field, equals, text = setting.partition("=")
        if not equals or not field.strip():
            raise typer.BadParameter(
                f"must be FIELD=VALUE, such as training.learning_rate=0.1, got {setting!r}.",
                param_hint="--set",
            )
        try:
            fields[field.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            fields[field.strip()] = _plain(text.strip())
    return fields


def _plain(text: str) -> bool | float | str:
    """Read what is no TOML as Python would, ``True`` and ``.1``, or else as a text."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return text
