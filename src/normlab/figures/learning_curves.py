"""A recorded quantity over training: a curve a level of one factor, on one large panel."""

from normlab.figures.curves import alt, draw, numbers

__all__ = ["alt", "draw", "numbers"]
