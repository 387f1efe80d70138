"""The published table beside ours, on the page."""

from pathlib import Path

import pytest

from lab.test_published_tables import PRINTED, of_three_factors, printed
from normlab.lab import Results
from normlab.report.published_tables import views
from report.elements import Element, elements, tagged
from report.shown import page


@pytest.fixture
def shown(tmp_path: Path) -> str:
    return page(printed(figures=[]), tmp_path)


def cells(shown: str) -> list[Element]:
    """The cells of the first table."""
    last = [e.tag for e in elements(shown)].index("table") + 1
    rest = elements(shown)[last:]
    end = [e.tag for e in rest].index("table")
    return [e for e in rest[:end] if e.tag in ("th", "td")]


def test_two_factors_make_the_grid_that_was_printed(shown: str) -> None:
    texts = [cell.text for cell in cells(shown)]
    here = "here 0.800 0.552 to 1.05"
    assert texts[:3] == [
        *("scale of weights", "without batch normalization", "with batch normalization"),
    ]
    assert texts[3:6] == [
        "1",
        "published 10% here 0.100 0.100 to 0.100 ✗ contradicted",
        f"published 80% {here} ✓ supported",
    ]
    assert texts[6] == "0.1"
    assert texts[7].startswith("published does not converge here 0.100")
    assert texts[8] == f"published nothing {here}"


def test_the_source_and_what_our_numbers_are_stand_with_the_table(shown: str) -> None:
    (table,) = views(printed())
    assert table.sources == ("a table",)
    assert table.name == "Training accuracy"
    assert table.note.startswith("Here: the mean of 3 replicates and its 95% interval.")
    assert table.note in [e.text for e in tagged(shown, "p")]


def test_a_verdict_leads_to_its_claim_and_says_which(shown: str) -> None:
    links = [e for e in tagged(shown, "a") if e.attributes["href"].startswith("#claim-")]
    assert [e.attributes["href"] for e in links] == ["#claim-1", "#claim-2", "#claim-3"]
    assert links[1].attributes["aria-label"] == "supported: It prints 80%."
    articles = {e.attributes["id"]: e.text for e in tagged(shown, "article")}
    assert articles["claim-2"].startswith("It prints 80%.")
    assert "Published 80% Value 0.800" in articles["claim-2"]


def test_the_table_comes_before_the_claims(shown: str) -> None:
    headings = [e.text for e in tagged(shown, "h2")]
    assert headings.index("Published and measured") < headings.index("Verdicts")
    assert "Published and measured" in tagged(shown, "nav")[0].text


def test_levels_that_all_cells_have_stand_above_the_grid() -> None:
    (table,) = views(of_three_factors((0.1, "batch", 1.0), (1.0, "none", 1.0)))
    assert table.name == "Training accuracy, rate = 1"
    assert [row.heading for row in table.rows] == ["1", "0.1"]


@pytest.mark.parametrize(
    ("found", "headings"),
    [
        (
            of_three_factors((0.1, "batch", 1.0), (1.0, "none", 0.1)),
            [
                "w = 0.1, batch normalization = batch, rate = 1",
                "w = 1, batch normalization = none, rate = 0.1",
            ],
        ),
        (
            printed(*PRINTED[:2]),
            ["w = 1, batch normalization = none", "w = 1, batch normalization = batch"],
        ),
    ],
    ids=["three factors", "one factor"],
)
def test_cells_that_do_not_differ_in_two_factors_are_a_list(
    found: Results, headings: list[str]
) -> None:
    (table,) = views(found)
    assert [row.heading for row in table.rows] == headings
    assert [len(row.cells) for row in table.rows] == [1, 1]
    assert table.columns == ("published and here",)
