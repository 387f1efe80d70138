"""The bar of a terminal; plain lines are tested where they are made."""

from io import StringIO
from time import monotonic, sleep

import pytest
from rich.console import Console

from normlab.cli.progress import progress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    console = Console(file=StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr("normlab.cli.progress.stderr", lambda: console)
    return console


def shown(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_short_work_shows_nothing(terminal: Console) -> None:
    with progress("parts") as show:
        show(5, 5)
    assert shown(terminal) == ""


def test_long_work_shows_a_bar_once_patience_is_over(
    terminal: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("normlab.lab.progress_lines.PATIENCE", 0.05)
    with progress("parts") as show:
        show(2, 5, note="1 diverged")
        patience = monotonic() + 10
        while not shown(terminal) and monotonic() < patience:
            sleep(0.01)
    assert "parts" in shown(terminal)
    assert "2/5" in shown(terminal)
    assert "1 diverged" in shown(terminal)


def test_an_error_ends_the_bar(terminal: Console) -> None:
    with pytest.raises(ValueError, match="wrong"), progress("parts", at_once=True):
        raise ValueError("wrong")
    assert "\x1b[?25h" in shown(terminal) or shown(terminal) == ""  # the cursor is back
