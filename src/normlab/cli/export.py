"""``normlab export``."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from normlab.cli.folders import is_run, read_all
from normlab.cli.progress import progress
from normlab.cli.verdicts import FOLDER_HELP
from normlab.errors import StoreError

if TYPE_CHECKING:
    from normlab.lab import Results
    from normlab.lab.outcomes import Trial
    from normlab.lab.progress_lines import Show


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=FOLDER_HELP)],
    to: Annotated[
        Path | None,
        typer.Option(help="Folder of the tables.", show_default="that of the run", file_okay=False),
    ] = None,
) -> None:
    """Write stored results as CSV: records, responses, verdicts, and what probes saw."""
    from normlab.lab.files import write_file

    for path, results in read_all(folder):
        target = path if to is None else to if is_run(folder) else to / path.name
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{target}: cannot be made: {error.strerror}.") from None
        for name, parts in _tables(results):
            write_file(target / name, parts)
            typer.echo(target / name)


def _tables(results: "Results") -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield each table's name and its text in parts."""
    from normlab.lab import export

    experiment, trials = results.experiment, results.trials
    yield "results.csv", [results.to_csv().encode()]
    yield "responses.csv", [export.responses(experiment, trials).encode()]
    yield "verdicts.csv", [export.verdicts(experiment, results.verdicts()).encode()]
    if any(trial.history.probes for trial in trials):
        yield "probes.csv", _told(results)


def _told(results: "Results") -> Iterator[bytes]:
    """Yield the table of the probes in parts, and say how far it is."""
    from normlab.lab import export

    with progress("trials written to probes.csv") as show_progress:
        for part in export.probes(results.experiment, _counted(results.trials, show_progress)):
            yield part.encode()


def _counted(trials: Sequence["Trial"], show_progress: "Show") -> Iterator["Trial"]:
    for i, trial in enumerate(trials):
        show_progress(i, len(trials))
        yield trial
