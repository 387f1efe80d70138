"""Tables for people."""

import pytest
from rich.console import Console

from figures.made_up import results
from lab.test_published_tables import printed
from normlab._table import Table
from normlab.cli import tables
from normlab.cli.one_run import tell
from normlab.cli.tables import print_table

ROWS = (("0.00736", "+0.123 to +0.456"), ("1", "-0.500 to +0.500"))


def narrow(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(tables, "stdout", lambda: Console(width=width))


def test_numbers_are_not_cut_off_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow(monkeypatch, 12)
    print_table(Table(("scale", "interval"), ROWS, numbers_from=0))
    printed = capsys.readouterr().out
    assert [cell for row in ROWS for cell in row if cell not in printed] == []


def test_sentences_are_wrapped_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow(monkeypatch, 40)
    print_table(Table(("claim", "effect"), (("so many words in a row " * 9, "+0.123"),)))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert any("+0.123" in line for line in lines)


def test_words_are_not_cut_off_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow(monkeypatch, 20)
    rows = (("contradicted " * 3, "contradicted", "1" * 20),)
    print_table(Table(("claim", "verdict", "n"), rows, numbers_from=2))
    assert "…" not in capsys.readouterr().out


def test_title_and_caption_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table(("a", "a wide column"), (("1", "2"),), "The title", "The caption"))
    printed = capsys.readouterr().out
    assert printed.index("The title") < printed.index("1") < printed.index("The caption")


def test_text_in_brackets_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table(("a",), (("[red]x[/red]",),)))
    assert "[red]x[/red]" in capsys.readouterr().out


def test_a_run_tells_its_published_table_before_the_verdicts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(printed())
    out = capsys.readouterr().out
    assert out.index("difference") < out.index("does not converge") < out.index("It prints 10%.")
    tell(results())
    assert "published" not in capsys.readouterr().out
