import re
from itertools import pairwise
from pathlib import Path

import pytest

from figures.made_up import experiment, results
from normlab.errors import StoreError
from normlab.figures import draw_all
from normlab.lab import Results
from normlab.lab.outcomes import Failure
from normlab.report import write_report
from report.elements import elements, tagged
from report.shown import LARGER, OWN, RUN, STEPS, design, page, with_all

FETCHED = r"\b(src|href|action|data|poster)=\"(?!#|data:)|url\(|@import|fetch\(|https?://"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    return page(with_all(folder), folder)


def texts(page: str, tag: str) -> list[str]:
    return [element.text for element in tagged(page, tag)]


def test_the_report_stands_in_the_folder_of_the_run(tmp_path: Path) -> None:
    assert write_report(results(), tmp_path) == tmp_path / "report.html"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    assert page(with_all(tmp_path), tmp_path) == page(with_all(tmp_path), tmp_path)


def test_figures_that_are_drawn_already_give_the_same_bytes(tmp_path: Path) -> None:
    shown = with_all(tmp_path)
    drawn = draw_all(shown, tmp_path)
    again = write_report(shown, tmp_path).read_bytes()
    assert write_report(shown, tmp_path, drawn).read_bytes() == again


def test_a_figure_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = with_all(tmp_path)
    drawn = draw_all(shown, tmp_path)
    monkeypatch.delattr("normlab.figures.draw")
    assert write_report(shown, tmp_path, drawn).exists()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        write_report(results(experiment(figures=[])), tmp_path / "gone")


def test_nothing_is_fetched_from_anywhere(shown: str) -> None:
    assert re.search(FETCHED, shown) is None
    policy = tagged(shown, "meta")[1].attributes["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src 'sha256-" in policy


def test_sections_come_in_the_order_of_the_question(shown: str) -> None:
    assert texts(shown, "h2") == [
        *("Sources", "Verdicts", "Published numbers", "Figures", "Set-up", "Results"),
        *("Failures", "Repeat it"),
    ]


def test_no_heading_skips_a_level(shown: str) -> None:
    levels = [int(e.tag[1]) for e in tagged(shown, "h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= level + 1 for level, below in pairwise(levels))


def test_the_page_says_its_language_and_has_landmarks(shown: str) -> None:
    assert tagged(shown, "html")[0].attributes["lang"] == "en"
    assert [e.tag for e in tagged(shown, "header", "nav", "main", "footer")] == [
        *("header", "nav", "main", "footer")
    ]
    assert tagged(shown, "a")[0].attributes["href"] == "#main"


def test_every_address_on_the_page_is_there(shown: str) -> None:
    ids = [e.attributes["id"] for e in elements(shown) if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    pointed = [e.attributes["href"].removeprefix("#") for e in tagged(shown, "a")]
    pointed += [e.attributes.get("aria-labelledby", ids[0]) for e in elements(shown)]
    assert set(pointed) <= set(ids)


def test_every_heading_of_a_table_has_a_scope(shown: str) -> None:
    assert {e.attributes.get("scope") for e in tagged(shown, "th")} == {"col", "row"}


def test_wide_tables_scroll_in_a_box_with_a_name_that_takes_the_focus(shown: str) -> None:
    boxes = [e for e in tagged(shown, "div") if e.attributes.get("class", "").startswith("scroll")]
    assert len(boxes) == len(tagged(shown, "table"))
    for box in boxes:
        assert box.attributes["tabindex"] == "0"
        assert box.attributes["role"] == "region"
        assert box.attributes["aria-label"]


def test_title_question_and_sources_are_shown(shown: str) -> None:
    assert texts(shown, "h1") == ["Made-up numbers"]
    paragraphs = texts(shown, "p")
    assert "Is it drawn?" in paragraphs
    assert "12 trials: 4 combinations of levels, 3 replicates each; 1 diverged." in paragraphs
    assert "A book, chapter 6" in texts(shown, "li")


def test_a_verdict_is_said_in_words_with_its_numbers(shown: str) -> None:
    first = texts(shown, "article")[0]
    assert "Normalized networks reach more." in first
    assert "✓ supported" in first
    assert "A paper, section 3" in first
    assert "Holds at 2 of 2 (all needed)" in first
    assert re.search(r"Mean difference \+0\.\d+ 95% interval \+0\.\d+ to \+0\.\d+ Pairs 3", first)


def test_a_claim_at_several_combinations_has_the_numbers_at_each(shown: str) -> None:
    inside = [
        e.text for e in tagged(shown, "tr") if "article" in e.parents and "tbody" in e.parents
    ]
    assert inside[0].startswith("1 +0.")
    assert inside[0].endswith("3 ✓ supported")


def test_every_number_in_a_table_sorts_as_one(shown: str) -> None:
    cells = [e for e in tagged(shown, "td") if e.attributes.get("class") == "number" and e.text]
    values = [float(cell.attributes["data-value"]) for cell in cells]
    assert len(values) > 50
    assert not any(value != value for value in values)


def test_trials_that_did_not_get_there_are_counted(shown: str) -> None:
    assert "6 trials did not get there and count with the last step, 21." in texts(shown, "p")


def test_an_experiment_without_a_published_table_shows_none(shown: str) -> None:
    assert "Published and measured" not in shown
    assert "<dt>Published</dt>" not in shown


def test_published_values_are_counted(shown: str) -> None:
    line = "2 of 3 published final values lie inside the range of our replicates."
    assert line in texts(shown, "p")


def test_figures_have_their_numbers_as_alternative_text(shown: str) -> None:
    images = tagged(shown, "img")
    assert len(images) == len(tagged(shown, "figure")) == 2
    for image in images:
        assert image.attributes["src"].startswith("data:image/svg+xml;base64,")
        assert re.search(r"\d", image.attributes["alt"])


def test_captions_say_what_is_drawn(shown: str) -> None:
    assert texts(shown, "figcaption") == [
        "Figure 1. Training accuracy over training, a panel for each level of scale of weights.",
        "Figure 2. Training accuracy against scale of weights.",
    ]


def test_failures_are_listed(shown: str) -> None:
    line = "w = 0.1, batch normalization = none, replicate 2: MemoryError: no room"
    assert line in texts(shown, "li")


def test_the_command_and_where_it_ran_are_shown(shown: str) -> None:
    assert texts(shown, "pre") == ["normlab run made-up"]
    facts = dict(zip(texts(shown, "dt"), texts(shown, "dd"), strict=True))
    assert facts["versions"] == "normlab 0.1.0, numpy 2.4"
    assert facts["machine"] == "a machine"
    assert facts["finished at"] == "unknown"
    assert facts["random numbers"] == "seed 0, replicates 0 to 2"


@pytest.mark.parametrize("text", [None, "", "{", "[1]", '{"command": "x"'])
def test_a_run_without_a_readable_record_is_said(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text)
    shown = write_report(results(experiment(figures=[])), tmp_path).read_text("utf-8")
    assert "There is no readable run.json" in " ".join(texts(shown, "p"))


def test_a_run_from_python_has_no_command(tmp_path: Path) -> None:
    shown = page(results(experiment(figures=[])), tmp_path, RUN | {"command": None})
    assert "started from Python" in " ".join(texts(shown, "p"))


def test_the_quick_setting_is_said(tmp_path: Path) -> None:
    quick = page(results(design(figures=[], setting="quick")), tmp_path)
    full = page(results(design(figures=[])), tmp_path)
    assert "This is the quick setting:" in " ".join(texts(quick, "p"))
    assert "quick setting" not in full


def test_parts_that_an_experiment_has_not_are_left_out(tmp_path: Path) -> None:
    shown = page(results(experiment(figures=[])), tmp_path)
    assert texts(shown, "h2") == ["Set-up", "Results", "Repeat it"]
    assert texts(shown, "nav") == ["Set-up Results Repeat it"]


def test_a_report_can_be_made_before_any_trial_is_done(tmp_path: Path) -> None:
    shown = page(Results(design(), []), tmp_path)
    assert "0 of 12 trials" in " ".join(texts(shown, "p"))
    assert "? undecided" in texts(shown, "article")[0]


def test_every_text_of_the_user_is_escaped(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>\"'&amp;"
    factors = {name: factor.model_dump() for name, factor in design().factors.items()}
    levels = [{"name": bad, "set": {"network.normalization": "none"}}, "batch"]
    factors["normalization"] |= {"levels": levels, "label": bad, "symbol": bad}
    claims = [c | {"statement": bad, "about": bad, "source": bad} for c in (LARGER, STEPS)]
    made = design(
        title=bad,
        question=bad,
        sources=[{"text": bad}],
        factors=factors,
        contrast=design().contrast.model_dump() | {"baseline": bad},
        responses={"steps_to_half": OWN["steps_to_half"] | {"label": bad}},
        claims=[claims[0] | {"where": {"normalization": (bad, "batch")}}, claims[1]],
    )
    failure = Failure({"weight_scale": 1.0, "normalization": bad}, 0, bad)
    found = Results(made, results(made).trials, [failure])
    shown = page(found, tmp_path, {"command": bad, bad: {bad: [bad]}})
    assert "<script>alert" not in shown
    assert len(tagged(shown, "script")) == 1
    assert texts(shown, "h1") == texts(shown, "pre") == [bad]
