"""``normlab new``."""

from os.path import lexists
from pathlib import Path
from typing import Annotated

import typer

from normlab.cli.tables import stderr, typed
from normlab.errors import ExperimentError


def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as my.toml.")],
) -> None:
    """Write a file to start an experiment of your own from: it runs as it is, in seconds."""
    from normlab.lab.files import write_file
    from normlab.lab.starter import starter

    if path.suffix != ".toml":
        raise ExperimentError(f"{path}: must end in .toml.")
    if lexists(path):
        raise ExperimentError(f"{path}: is there already, and is left as it is.")
    write_file(path, starter().encode())
    typer.echo(path)
    stderr().print(f"Run it with: normlab run {typed(path)}")
