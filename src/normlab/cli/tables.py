"""Where words and results go, and tables on a terminal."""

import shlex
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable

if TYPE_CHECKING:
    from normlab._table import Table

WIDE = 200
"""Columns where there is no terminal: a file or a pipe needs no line breaks."""


def stdout() -> Console:
    """Return where results go. Text is printed as it is: brackets in it are no markup."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=WIDE)


def stderr() -> Console:
    """Return where words and progress go."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def typed(argument: object) -> str:
    """Return how an argument is typed in a shell."""
    return shlex.quote(str(argument))


def print_table(table: "Table") -> None:
    """Print a table to stdout, never narrower than its numbers: these are not cut off."""
    console, rich_table = stdout(), _rich(table)
    unbounded = console.options.update(width=10_000, max_width=10_000)
    needed = Measurement.get(console, unbounded, rich_table).minimum
    Console(markup=False, highlight=False, width=max(console.width, needed)).print(rich_table)


def _rich(table: "Table") -> RichTable:
    found = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    found.title, found.caption = table.title or None, table.caption or None
    for i, name in enumerate(table.header):
        if i >= table.numbers_from:
            width = max(len(row[i]) for row in (table.header, *table.rows))
            found.add_column(name, justify="right", no_wrap=True, min_width=width)
        else:
            found.add_column(name, overflow="fold")
    for row in table.rows:
        found.add_row(*row)
    return found
