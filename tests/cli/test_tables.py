"""Tables for people."""

import pytest
from rich.console import Console

from normlab.cli import tables

ROWS = [("0.00736", "+0.123 to +0.456"), ("1", "-0.500 to +0.500")]


def test_numbers_are_not_cut_off_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tables, "stdout", lambda: Console(width=12))
    tables.print_table(tables.text_table(("scale", "interval"), ROWS, numbers_from=0))
    printed = capsys.readouterr().out
    assert [cell for row in ROWS for cell in row if cell not in printed] == []


def test_text_in_brackets_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    tables.print_table(tables.text_table(("a",), [("[red]x[/red]",)], numbers_from=1))
    assert "[red]x[/red]" in capsys.readouterr().out
