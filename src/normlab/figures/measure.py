"""How wide a text is drawn, and texts broken into lines that fit. All sizes are in inches."""

from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from normlab.figures.style import FONT


@lru_cache(maxsize=4096)
def width(text: str, size: float = 10, weight: str = "normal") -> float:
    """Return the width of a text of one line, of a font size in points."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def widest(texts: list[str], size: float = 10) -> float:
    """Return the width of the widest text, which may have several lines."""
    return max((width(line, size) for text in texts for line in text.split("\n")), default=0.0)


def wrap(text: str, room: float, size: float = 10, weight: str = "normal") -> str:
    """Return a text broken between words into lines of at most ``room``."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def n_lines(texts: list[str]) -> int:
    """Return the most lines that one of the texts has."""
    return max((text.count("\n") + 1 for text in texts if text), default=0)
