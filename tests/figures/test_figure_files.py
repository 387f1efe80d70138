import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from figures.made_up import (
    FINAL,
    KINDS,
    PUBLISHED,
    diverged,
    experiment,
    probed_results,
    results,
    with_published,
)
from normlab.errors import StoreError
from normlab.figures import draw, draw_all
from normlab.figures.files import FORMATS, render
from normlab.figures.style import BASELINE, OTHERS, TREATMENT, looks
from normlab.lab import Results
from normlab.lab.figure_spec import FigureSpec

NAMES = ["panels.svg", "panels.png", "final.svg", "final.png"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Results with everything that a figure can show."""
    folder = tmp_path_factory.mktemp("published")
    changes = {(1.0, "none", 0): diverged(4), (1.0, "batch", 2): None}
    return results(with_published(folder, PUBLISHED), changes)


def test_each_figure_is_written_as_svg_and_png(shown: Results, tmp_path: Path) -> None:
    drawn = draw_all(shown, tmp_path)
    assert list(drawn) == [tmp_path / name for name in NAMES]
    assert drawn == {path: path.read_bytes() for path in drawn}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize(("name", "start"), [("panels.svg", b"<?xml"), ("final.png", b"\x89PNG")])
def test_files_are_what_they_say(shown: Results, tmp_path: Path, name: str, start: bytes) -> None:
    draw_all(shown, tmp_path)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_results_give_the_same_bytes(shown: Results, suffix: str) -> None:
    for spec in shown.experiment.figures:
        first, second = (render(draw(shown, spec), suffix, shown.experiment) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_every_kind_of_figure_gives_the_same_bytes(spec: FigureSpec) -> None:
    found = probed_results()
    first, second = (render(draw(found, spec), "svg", found.experiment) for _ in range(2))
    assert first == second


def test_settings_of_the_reader_do_not_change_the_bytes(shown: Results) -> None:
    usual = render(draw(shown, FINAL), "svg", shown.experiment)
    with mpl.rc_context({"lines.linewidth": 9, "axes.facecolor": "black", "font.size": 30}):
        assert render(draw(shown, FINAL), "svg", shown.experiment) == usual


def test_an_svg_has_title_and_question_but_no_date_or_version(shown: Results) -> None:
    text = render(draw(shown, FINAL), "svg", shown.experiment).decode()
    assert "<title>Made-up numbers</title>" in text
    assert "Is it drawn?" in text
    assert "dc:date" not in text
    assert mpl.__version__ not in text


def test_a_png_has_no_version(shown: Results) -> None:
    content = render(draw(shown, FINAL), "png", shown.experiment)
    assert b"Made-up numbers" in content
    assert b"Software" not in content


def test_an_experiment_without_figures_draws_none(tmp_path: Path) -> None:
    assert draw_all(results(experiment(figures=[])), tmp_path) == {}


def test_a_folder_that_is_not_there_is_an_error(shown: Results, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        draw_all(shown, tmp_path / "gone")


def test_importing_figures_does_not_import_pyplot() -> None:
    code = "import sys, normlab.figures; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_looks_differ_without_their_colors() -> None:
    found = [(str(look.dashes), look.marker) for look in (TREATMENT, BASELINE, *OTHERS)]
    assert len(set(found)) == len(found)


def test_there_is_a_look_for_any_number_of_lines() -> None:
    assert len(looks(["treatment", "baseline", *["other"] * 10])) == 12  # type: ignore[list-item]  # roles as plain words
