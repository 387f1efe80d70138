"""How every figure looks: colors, line styles, sizes.

A line is told from another by its color, its dashes and its markers, so that a reader who sees
few colors, or a grey print, misses nothing. Colors: M. Okabe and K. Ito, Color Universal Design
(2008). Levels that have an order, and the numbers of a map, go from dark to light.
"""

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

import matplotlib as mpl
from matplotlib.colors import to_hex
from matplotlib.font_manager import get_font_names

Role: TypeAlias = Literal["treatment", "baseline", "other", "ordered"]
"""What a line is: of the experiment's contrast, or one of several, which may have an order."""

INK = "#222222"
GREY = "#6b6b6b"
FONT = "DejaVu Sans"  # comes with Matplotlib
FALLBACKS = (
    *("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic"),
    *("Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic"),
    *("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Micro Hei", "PingFang SC", "Microsoft YaHei"),
    *("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic"),
)
"""For letters that it has not: Chinese, Japanese, Korean. Those that are installed are used."""

FONTS = [FONT, *sorted({*FALLBACKS} & {*get_font_names()}, key=FALLBACKS.index)]
MAP = "cividis"  # of numbers, from little to much
BAND = 0.22  # opacity of a band over replicates
FAINT = 0.5  # opacity of published points


class Look(NamedTuple):
    """How one line is drawn."""

    color: str
    dashes: Any  # Matplotlib's linestyle
    marker: str
    filled: bool  # its markers


TREATMENT = Look("#0072B2", "-", "o", True)
BASELINE = Look("#D55E00", (0, (4, 1.6)), "s", False)
OTHERS = (
    Look("#009E73", (0, (6, 1.5, 1, 1.5)), "^", True),
    Look("#CC79A7", (0, (1, 1.2)), "D", False),
    Look("#E69F00", (0, (8, 2)), "v", True),
    Look("#56B4E9", (0, (6, 1.5, 1, 1.5, 1, 1.5)), "P", False),
    Look("#000000", (0, (2, 2)), "X", True),
)
ORDER = "viridis"  # of levels that have one; its lightest part is too light for lines
LIGHTEST = 0.85

_GROUPS = {"axes", "figure", "font", "grid", "hatch", "legend", "lines", "markers", "mathtext"}
_GROUPS |= {"patch", "path", "savefig", "svg", "text", "xaxis", "xtick", "yaxis", "ytick"}

# Settings of the reader's own, in a matplotlibrc file, do not change the figures.
_DEFAULTS: dict[str, Any] = {
    name: value for name, value in mpl.rcParamsDefault.items() if name.split(".")[0] in _GROUPS
}

STYLE: Any = _DEFAULTS | {
    "font.family": FONTS,
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a label may have a dollar sign
    "axes.titlesize": 10.5,
    "axes.titley": 1.0,  # fixed, so that no time goes into finding a free place
    "axes.titlepad": 5,
    "axes.labelsize": 11,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9a9a9a",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "xtick.color": "#9a9a9a",
    "ytick.color": "#9a9a9a",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "figure.labelsize": 11,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "legend.handlelength": 2.6,
    "savefig.dpi": 150,
    "svg.fonttype": "path",  # text looks the same wherever it is opened
    "svg.hashsalt": "normlab",  # the same figure is the same bytes
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style. What Matplotlib says of each letter that has no font, say once."""
    log = logging.getLogger("matplotlib.font_manager")
    log.addFilter(_is_of_no_weight)
    try:
        with mpl.rc_context(STYLE), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        log.removeFilter(_is_of_no_weight)
    letters = ""
    for warning in caught:
        if missing := re.match(r"Glyph (\d+) .* missing from", str(warning.message)):
            letters += chr(int(missing[1]))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    if letters:
        _tell_of_boxes("".join(dict.fromkeys(letters)))


@cache  # once: the figure is drawn again for each kind of file
def _tell_of_boxes(letters: str) -> None:
    warnings.warn(
        f"no installed font that figures use has {letters!r}: they show boxes there. For Chinese,"
        f" Japanese and Korean install {FALLBACKS[0]}.",
        stacklevel=5,
    )


def _is_of_no_weight(record: logging.LogRecord) -> bool:
    """Return whether to log this: few fonts of many letters are bold, and regular ones will do."""
    return "font weight" not in record.getMessage()


def looks(roles: Iterable[Role]) -> list[Look]:
    """Return the look of each line, in the order of the lines."""
    roles = list(roles)
    ordered = iter(_ordered(roles.count("ordered")))
    others = iter(OTHERS * (roles.count("other") // len(OTHERS) + 1))
    if roles.count("other") > len(OTHERS):
        others = iter(_ordered(roles.count("other")))
    fixed = {"treatment": TREATMENT, "baseline": BASELINE}
    rest = {"ordered": ordered, "other": others}
    return [fixed.get(role) or next(rest[role]) for role in roles]


def _ordered(n: int) -> list[Look]:
    """Return ``n`` looks from dark to light; neighbors differ in dashes and markers too."""
    colors = mpl.colormaps[ORDER]
    kinds = (TREATMENT, BASELINE, *OTHERS)
    return [
        kinds[i % len(kinds)]._replace(color=to_hex(colors(LIGHTEST * i / max(n - 1, 1))))
        for i in range(n)
    ]
