import csv
import json
import re
from pathlib import Path

import pytest

from cli.shell import say_here, write
from lab.tiny import CLAIM, FIGURE, TINY

PROBES = '[training.probes]\nnames = ["gradients"]\nevery = 5\n'

QUICK = '[quick]\nreplicates = 1\n"training.probes.names" = []\n'


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a full and a quick run were made, the quick one without probes."""
    cwd = tmp_path_factory.mktemp("stored")
    write(cwd, TINY + PROBES + FIGURE + CLAIM + QUICK)
    for options in ((), ("--quick",)):
        assert say_here("run", "tiny.toml", "--workers", 1, *options, cwd=cwd).code == 0
    (cwd / "tiny.toml").unlink()
    return cwd


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_verdicts_of_a_folder_are_those_of_every_run_in_it(cwd: Path) -> None:
    said = say_here("verdicts", cwd=cwd)
    assert (said.code, said.err) == (0, "")
    assert re.findall(r"^ (tiny.*?) +Normalization helps", said.out, re.M) == [
        *("tiny", "tiny (quick)"),
    ]


def test_verdicts_of_a_run_are_its_own(cwd: Path) -> None:
    out = say_here("verdicts", "results/tiny", cwd=cwd).out
    assert len(re.findall("Normalization helps", out)) == 1


def test_verdicts_are_there_as_json(cwd: Path) -> None:
    found = json.loads(say_here("verdicts", "--json", cwd=cwd).out)
    assert [run["folder"] for run in found] == ["results/tiny", "results/tiny-quick"]
    assert found[0]["verdicts"][0]["statement"] == "Normalization helps."


def test_verdicts_are_there_as_markdown(cwd: Path) -> None:
    lines = say_here("verdicts", "--markdown", cwd=cwd).out.splitlines()
    assert lines[0] == "| experiment | claim | verdict | effect | 95% interval | holds at | pairs |"
    assert lines[2].startswith("| tiny | Normalization helps. | ")


def test_report_writes_the_page_of_a_run_again(cwd: Path) -> None:
    page = cwd / "results" / "tiny" / "report.html"
    before = page.read_bytes()
    page.unlink()
    said = say_here("report", "results/tiny", cwd=cwd)
    assert said == (0, "results/tiny/report.html\n", "")
    assert page.read_bytes() == before


def test_report_of_several_runs_has_an_index(cwd: Path) -> None:
    said = say_here("report", "results", cwd=cwd)
    assert said.out.splitlines() == [
        "results/tiny/report.html",
        "results/tiny-quick/report.html",
        "results/index.html",
    ]
    assert (cwd / "results" / "index.html").exists()


def test_export_writes_a_table_of_each_kind(cwd: Path) -> None:
    said = say_here("export", "results/tiny", "--to", "one", cwd=cwd)
    names = ("results", "responses", "verdicts", "probes")
    assert said.out.splitlines() == [f"one/{name}.csv" for name in names]
    lengths = {name: len(rows(cwd / "one" / f"{name}.csv")) for name in names}
    assert (lengths["results"], lengths["responses"], lengths["verdicts"]) == (24, 8, 1)
    assert lengths["probes"] > 8 * 3


def test_export_goes_to_the_folder_of_the_run_where_no_other_is_named(cwd: Path) -> None:
    out = say_here("export", "results/tiny-quick", cwd=cwd).out
    assert out.splitlines()[0] == "results/tiny-quick/results.csv"
    assert "probes.csv" not in out


def test_export_of_several_runs_has_a_folder_each(cwd: Path) -> None:
    say_here("export", "results", "--to", "all", cwd=cwd)
    assert {path.name for path in (cwd / "all").iterdir()} == {"tiny", "tiny-quick"}


def test_an_exported_verdict_has_its_numbers(cwd: Path) -> None:
    say_here("export", "results/tiny", "--to", "numbers", cwd=cwd)
    (row,) = rows(cwd / "numbers" / "verdicts.csv")
    assert row["statement"] == "Normalization helps."
    assert (row["verdict"], row["pairs"], row["combinations"]) == ("undecided", "2", "2")
    assert float(row["low"]) < float(row["effect"]) < float(row["high"])
