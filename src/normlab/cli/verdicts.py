"""``normlab verdicts``."""

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli import as_json
from normlab.cli.folders import read_all
from normlab.cli.tables import print_table

FOLDER_HELP = "Folder of a run, or one with such folders in it."


def verdicts(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=FOLDER_HELP)] = Path("results"),
    json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown, for a page.")
    ] = False,
) -> None:
    """Print the verdict on each claim, with its numbers, from stored results."""
    from normlab.lab import tables

    found = list(read_all(folder))
    if json:
        as_json.print_json([as_json.judged(results, path) for path, results in found])
        return
    table = tables.verdicts([(results.experiment, results.verdicts()) for _, results in found])
    if markdown:
        typer.echo(table.markdown())
    else:
        print_table(table)
