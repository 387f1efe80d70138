"""The commands put together, and the exit codes.

0 done; 1 done, but some trials failed; 2 wrong usage or a wrong file; 130 interrupted.
"""

import signal
import sys
from typing import Annotated

import typer

from normlab._version import __version__
from normlab.cli.list import list_experiments
from normlab.cli.run import run
from normlab.cli.show import show
from normlab.errors import NormlabError

app = typer.Typer(
    name="normlab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: normlab run weight-scale",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"normlab {__version__}")
        raise typer.Exit


@app.callback()
def normlab(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Train the same network with and without batch normalization, and see what it did."""


app.command("list", epilog="Example: normlab list")(list_experiments)
app.command("show", epilog="Example: normlab show weight-scale")(show)
app.command(
    "run",
    epilog="Example: normlab run weight-scale --replicates 2 --set training.learning_rate=0.1",
)(run)


def main() -> None:
    """Run the command line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end it is to interrupt it
    try:
        app()
    except NormlabError as error:
        for line in str(error).splitlines():
            typer.echo(f"normlab: {line}", err=True)
        sys.exit(2)
