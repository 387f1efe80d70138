"""The commands put together, and how mistakes are told: a line each."""

import sys
from collections.abc import Callable
from io import StringIO
from typing import Annotated, Any

import typer

from normlab._version import __version__
from normlab.cli import INTERRUPTED
from normlab.cli.demo_layer import demo_layer
from normlab.cli.export import export
from normlab.cli.list import list_experiments
from normlab.cli.new import new
from normlab.cli.report import report
from normlab.cli.run import run
from normlab.cli.show import show
from normlab.cli.verdicts import verdicts
from normlab.errors import NormlabError

UsageError: Any = typer.BadParameter.__base__
"""What Typer raises for a mistake in the command line; it has no public name there."""

app = typer.Typer(
    name="normlab",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: normlab run weight-scale",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"normlab {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def normlab(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Train the same network with and without batch normalization, and see what it did."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def _add(name: str, command: Callable[..., None], example: str) -> None:
    app.command(name, epilog=f"Example: normlab {example}")(command)


_add("list", list_experiments, "list")
_add("show", show, "show weight-scale")
_add("run", run, "run weight-scale --replicates 2 --set training.learning_rate=0.1")
_add("verdicts", verdicts, "verdicts results")
_add("report", report, "report results/weight-scale")
_add("export", export, "export results/weight-scale --to tables")
_add("new", new, "new my.toml")
_add("demo-layer", demo_layer, "demo-layer --seed 1")


def answer() -> int:
    """Do what the command line asks for, and return the exit code."""
    try:
        code = app(standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except typer.Abort as abort:
        if isinstance(abort.__cause__, EOFError):  # nothing is asked for here: it is a mistake
            raise abort.__cause__ from None
        return INTERRUPTED
    except NormlabError as error:
        told = str(error)
    except UsageError as error:
        message = error.format_message().replace("Input should", "must")
        told = f"{message}{'' if message.endswith(('.', '?')) else '.'} Try --help."
    except OSError as error:  # of the output: files and folders have errors of their own
        sys.stdout = StringIO()  # for Python, which tries once more at the end
        told = f"{error.filename or 'The output'}: cannot be written: {error.strerror}."
    for line in told.splitlines():
        typer.echo(f"normlab: {line}", err=True)
    return 2
