"""The README's Python blocks run in order, and print what the comments below them say."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from normlab import lab

README = Path(__file__).parent.parent / "README.md"


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.M)


def stated_output(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("# ")]


def test_the_python_blocks_print_what_they_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = python_blocks()
    assert len(blocks) >= 3
    for block in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(compile(block, str(README), "exec"), names)
        assert printed.getvalue().splitlines() == stated_output(block)


def test_every_file_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text("utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_the_table_of_verdicts_has_every_claim_of_the_catalog() -> None:
    table = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| ")]
    stated = [(name, c.statement) for name in lab.catalog() for c in lab.load(name).claims]
    printed = [tuple(line.strip("| ").split(" | ")[:2]) for line in table]
    assert [claim for claim in printed if claim in stated] == stated


def test_nothing_is_left_to_be_filled_in() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert [line for line in lines if re.fullmatch(r"[A-Z]{3,}", line)] == []
