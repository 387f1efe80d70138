"""``normlab new``."""

from pathlib import Path
from typing import Annotated

import typer

from normlab.cli.tables import stderr
from normlab.errors import ExperimentError


def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as my.toml.")],
) -> None:
    """Write a file to start an experiment of your own from: it runs as it is, in seconds."""
    from normlab.lab.starter import starter

    if path.suffix != ".toml":
        raise ExperimentError(f"{path}: must end in .toml.")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError:
        raise ExperimentError(f"{path}: is there already, and is left as it is.") from None
    except OSError as error:
        raise ExperimentError(f"{path}: cannot be written: {error.strerror}.") from None
    typer.echo(path)
    stderr().print(f"Run it with: normlab run {path}")
