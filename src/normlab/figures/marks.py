"""How points and bands are drawn."""

from typing import Any

from matplotlib.patheffects import withStroke

from normlab.figures.style import BAND, FAINT, Look

CROSS: dict[str, Any] = {"marker": "x", "markersize": 7, "markeredgewidth": 2.2}
"""Where replicates diverged."""

BOUND: dict[str, Any] = {
    "marker": "^",
    "markersize": 9,
    "markerfacecolor": "none",
    "markeredgewidth": 1.8,
}
"""At least so much: what was waited for did not come."""


ZERO: dict[str, Any] = {"marker": "v", "markersize": 7, "linestyle": ""}
"""A 0, which has no place on a logarithmic axis."""

HATCH: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "#b0b0b0",
    "hatch": "////",
    "linewidth": 0,
}
"""A cell without a number."""


def solid_marks(look: Look) -> dict[str, Any]:
    """Return the markers of a line's own points."""
    face = look.color if look.filled else "white"
    return {"marker": look.marker, "markersize": 6, "markerfacecolor": face}


def published_marks(look: Look) -> dict[str, Any]:
    """Return the small, light markers of published points."""
    return {
        "marker": look.marker,
        "markersize": 3.2,
        "markerfacecolor": look.color if look.filled else "none",
        "markeredgecolor": look.color,
        "markeredgewidth": 0.7,
        "alpha": FAINT,
    }


HALO: Any = [withStroke(linewidth=2.5, foreground="white")]
"""Around texts and lines that cross others."""


def larger(marks: dict[str, Any], by: int) -> dict[str, Any]:
    """Return marks larger by some sizes, so that those of later lines do not hide them."""
    return marks | {"markersize": marks["markersize"] + 3.5 * min(by, 3)}


def band(look: Look, n_lines: int) -> dict[str, Any]:
    """Return the look of a band, the lighter the more there are."""
    return {"facecolor": look.color, "alpha": BAND * min(1, 3 / max(n_lines, 1)), "linewidth": 0}
