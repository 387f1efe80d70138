from pathlib import Path

import pytest

from lab import tiny
from normlab.report import write_index, write_report
from report.elements import tagged

CLAIMS = """
[[claims]]
statement = "Normalized <b>networks</b> reach more."
about = "accuracy"
source = "A paper"
response = "train_accuracy"
direction = "larger"

[[claims]]
statement = "They do not diverge."
about = "divergence"
source = "A paper"
response = "diverged"
direction = "equal"
tolerance = 0.1
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, one of them quick and without a report, and one that is damaged."""
    from normlab import lab

    folder = tmp_path_factory.mktemp("runs")
    experiment = tiny.load(folder, tiny.TINY + CLAIMS, {"training.steps": 2})
    write_report(lab.run(experiment, folder / "a run", n_workers=1), folder / "a run")
    quick = experiment.model_copy(update={"setting": "quick"})
    lab.run(quick, folder / "b", n_workers=1)
    (folder / "damaged").mkdir()
    (folder / "damaged" / "experiment.json").write_text("{")
    (folder / "else").mkdir()
    return folder


@pytest.fixture(scope="module")
def shown(folder: Path) -> str:
    path = write_index(folder)
    assert path == folder / "index.html"
    return path.read_text("utf-8")


def test_each_run_with_a_report_is_linked(shown: str) -> None:
    addresses = {
        e.attributes["href"] for e in tagged(shown, "a") if "#" not in e.attributes["href"]
    }
    assert addresses == {"a%20run/report.html"}
    assert "A tiny experiment (no report yet) quick setting" in [
        element.text for element in tagged(shown, "h3")
    ]


def test_claims_are_grouped_by_what_they_are_about(shown: str) -> None:
    headings = [element.text for element in tagged(shown, "h3")]
    assert headings[:2] == ["Accuracy", "Divergence"]
    lists = [e.text for e in tagged(shown, "ul") if e.attributes.get("class") == "claims"]
    assert [text.count("Normalized <b>networks</b> reach more.") for text in lists] == [2, 0]


def test_claims_are_counted(shown: str) -> None:
    paragraphs = [element.text for element in tagged(shown, "p")]
    assert "2 experiments, 4 claims." in paragraphs
    badges = [e.text for e in tagged(shown, "ul") if e.attributes.get("class") == "badges"]
    assert badges[0] == "? 4 undecided"


def test_a_verdict_has_its_numbers(shown: str) -> None:
    notes = [e.text for e in tagged(shown, "p") if e.attributes.get("class") == "note"]
    numbers = [note for note in notes if "95% interval" in note]
    assert len(numbers) == 4
    assert all("2 pairs" in note for note in numbers)


def test_a_claim_is_linked_to_its_place_in_the_report(folder: Path, shown: str) -> None:
    anchors = [e.attributes["href"].partition("#")[2] for e in tagged(shown, "a")]
    report = (folder / "a run" / "report.html").read_text("utf-8")
    ids = {element.attributes.get("id") for element in tagged(report, "article")}
    assert ids == {"claim-1", "claim-2"} <= set(anchors)


def test_a_run_that_cannot_be_read_is_said(shown: str) -> None:
    (line,) = (e.text for e in tagged(shown, "p") if e.attributes.get("class") == "callout")
    assert line.startswith("damaged/experiment.json: is damaged")


def test_a_folder_without_runs_has_an_empty_index(tmp_path: Path) -> None:
    shown = write_index(tmp_path).read_text("utf-8")
    assert "0 experiments, 0 claims." in [element.text for element in tagged(shown, "p")]
