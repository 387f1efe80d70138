import logging
import warnings
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.made_up import PANELS, experiment, history, results, scales
from normlab.figures import draw
from normlab.figures.legend import arrange
from normlab.figures.measure import n_lines, width, wrap
from normlab.figures.scales import edges, fit
from normlab.figures.style import FONTS, STYLE, styled

CELLS = [(scale, kind, 0) for scale in (1.0, 0.1) for kind in ("none", "batch")]
ONCE = history((0.1,), steps=(1,))
LONG = "A title that says at great length what nobody could say in fewer words than these are"


def test_a_text_is_as_wide_as_it_is_drawn() -> None:
    assert width("mm") == pytest.approx(2 * width("m"))
    assert width("m", 20) == pytest.approx(2 * width("m", 10))


def test_lines_are_broken_between_words_where_they_are_too_long() -> None:
    lines = wrap(LONG, 2.0).split("\n")
    assert " ".join(lines) == LONG
    assert max(map(width, lines)) <= 2.0


def test_a_word_is_never_broken() -> None:
    assert wrap("incomprehensibilities", 0.1) == "incomprehensibilities"


without_such_fonts = pytest.mark.filterwarnings("ignore:Glyph")


@without_such_fonts
@pytest.mark.parametrize(
    "text",
    [
        "バッチ、正規化batch、の効果",
        "正規化『batch』「効果」",
        "テスト精度(1枚),学習率",
        "0.1%、100%。",
    ],
)
def test_chinese_and_japanese_are_broken_between_letters_but_not_at_any_sign(text: str) -> None:
    lines = wrap(text, 0.01).split("\n")
    assert "".join(lines) == text
    assert len(lines) > 1
    assert not any(line[0] in "、。』」),%" or line[-1] in "『「(" for line in lines)
    assert wrap(text, 20.0) == text


@without_such_fonts
def test_korean_is_broken_at_its_spaces() -> None:
    assert wrap("한국어 정규화", 0.01) == "한국어\n정규화"


@pytest.mark.skipif(len(FONTS) == 1, reason="no font with Chinese or Japanese letters is installed")
def test_letters_that_the_font_has_not_are_drawn_with_another() -> None:
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("error")  # as Matplotlib's of a missing glyph
        figure = Figure()
        figure.suptitle("正規化")
        figure.savefig(BytesIO())


def test_letters_without_any_font_are_told_once_in_one_line() -> None:
    found = []
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with styled():
                figure = Figure()
                figure.suptitle("\U0001f9ff\U0001f9ec\U0001f9ff")
                figure.savefig(BytesIO())
        found.append([str(warning.message) for warning in caught])
    assert [len(told) for told in found] == [1, 0]
    assert "has '\U0001f9ff\U0001f9ec'" in found[0][0]


def test_other_warnings_of_a_drawing_are_passed_on() -> None:
    with pytest.warns(UserWarning, match="of something else"), styled():
        warnings.warn("of something else", stacklevel=1)


def test_a_font_that_is_not_bold_is_used_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("matplotlib.font_manager")
    with styled():
        log.warning("findfont: Failed to find font weight %s for %s.", "bold", "IPAexGothic")
        log.warning("findfont: Font family %r not found.", "IPAexGothic")
    log.warning("of another drawing: no font weight")
    assert [record.args for record in caplog.records] == [("IPAexGothic",), ()]


def test_the_legend_is_one_row_where_it_fits_and_balanced_where_not() -> None:
    entries = [(Line2D([], []), f"entry number {i}") for i in range(5)]
    assert arrange(entries, 20.0)[1] == 5
    assert arrange(entries, 7.0)[1] == 3
    assert arrange(entries, 0.1)[1] == 1


def test_names_are_slanted_where_they_would_touch() -> None:
    assert fit(["before", "after"], 2.0).rotation == 0
    assert fit(["before", "unquestionably"], 0.5).rotation == 35


def test_an_axis_of_one_step_has_whole_ticks() -> None:
    figure = draw(results(experiment(replicates=1), dict.fromkeys(CELLS, ONCE)), PANELS)
    assert figure.axes[0].get_xlim() == (-0.5, 0.5)
    assert [tick for tick in figure.axes[0].get_xticks() if abs(tick) < 0.5] == [0]


def test_cells_meet_midway_between_places() -> None:
    assert edges(np.array([1.0, 11.0, 31.0])).tolist() == [-4, 6, 21, 41]
    assert edges(np.array([1.0])).tolist() == [0.5, 1.5]


def test_long_words_stay_within_the_figure_and_off_the_panels() -> None:
    found = results(scales(f"{LONG} (first)", f"{LONG} (second)", title=LONG * 3))
    figure = draw(found, PANELS)
    panel = figure.axes[0].get_window_extent()
    boxes = [text.get_window_extent() for text in figure.texts[:2]]
    assert all(box.x1 < figure.bbox.x1 and box.y0 > panel.y1 for box in boxes)
    title = figure.axes[0].title
    assert n_lines([title.get_text()]) > 1
    assert title.get_window_extent().y1 < figure.legends[0].get_window_extent().y0


def test_a_dollar_sign_in_a_label_is_a_dollar_sign() -> None:
    assert STYLE["text.parse_math"] is False
