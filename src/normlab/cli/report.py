"""``normlab report``."""

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli.folders import is_run, read_all
from normlab.cli.one_run import write
from normlab.cli.verdicts import FOLDER_HELP


def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help=FOLDER_HELP)]) -> None:
    """Write report, figures and table again from stored results; over several runs, an index too.

    Nothing is trained.
    """
    from normlab.report import write_index

    for path, results in read_all(folder):
        typer.echo(write(results, path)[0])
    if not is_run(folder):
        typer.echo(write_index(folder))
