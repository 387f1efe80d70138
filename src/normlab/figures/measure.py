"""How wide a text is drawn, and texts broken into lines that fit. All sizes are in inches."""

from functools import lru_cache
from itertools import pairwise
from unicodedata import category

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from normlab.figures.style import FONTS

OPENING, CLOSING = {"Ps", "Pi"}, {"Pe", "Pf", "Po", "Lm"}
"""Unicode's categories of signs that end no line, and that begin none."""


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
        for i, part in enumerate(_parts(word)):
            longer = f"{lines[-1]}{'' if i else ' '}{part}" if lines else part
            if lines and width(longer, size, weight) <= room:
                lines[-1] = longer
            else:
                lines.append(part)
    return "\n".join(lines)


def _parts(word: str) -> list[str]:
    """Return the parts of a word between which a line may end."""
    parts = [word[0]]
    for before, letter in pairwise(word):
        spaceless = _has_no_spaces(before) or _has_no_spaces(letter)
        if spaceless and category(before) not in OPENING and category(letter) not in CLOSING:
            parts.append(letter)
        else:
            parts[-1] += letter
    return parts


def _has_no_spaces(letter: str) -> bool:
    """Return whether a letter is Chinese or Japanese: Korean words have spaces between them."""
    return "\u3000" <= letter <= "\u9fff" or "\uf900" <= letter <= "\ufaff" or letter >= "\uff00"


def n_lines(texts: list[str]) -> int:
    """Return the most lines that one of the texts has."""
    return max((text.count("\n") + 1 for text in texts if text), default=0)
