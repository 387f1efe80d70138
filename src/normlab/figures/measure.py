"""How wide a text is drawn, and texts broken into lines that fit. All sizes are in inches."""

import re
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from normlab.figures.style import FONTS

_LETTER = "[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
_SIGNS = "[\u3001\u3002\u300d\u300f\u30fc\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f]"
_PARTS = re.compile(f"{_LETTER}{_SIGNS}*|(?:(?!{_LETTER}).)+")
"""Of a word: a Chinese or Japanese letter with the signs (comma, full stop, closing bracket, ...)
behind it, or the letters up to one."""


@lru_cache(maxsize=4096)
def width(text: str, size: float = 10, weight: str = "normal") -> float:
    """Return the width of a text of one line, of a font size in points."""
    font = FontProperties(family=FONTS, size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def widest(texts: list[str], size: float = 10) -> float:
    """Return the width of the widest text, which may have several lines."""
    return max((width(line, size) for text in texts for line in text.split("\n")), default=0.0)


def wrap(text: str, room: float, size: float = 10, weight: str = "normal") -> str:
    """Return a text broken between words into lines of at most ``room``.

    Chinese and Japanese, which have no spaces, are broken between letters.
    """
    lines: list[str] = []
    for word in text.split():
        for i, part in enumerate(_PARTS.findall(word)):
            longer = f"{lines[-1]}{'' if i else ' '}{part}" if lines else part
            if lines and width(longer, size, weight) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
    return "\n".join(lines)


def n_lines(texts: list[str]) -> int:
    """Return the most lines that one of the texts has."""
    return max((text.count("\n") + 1 for text in texts if text), default=0)
