"""A file to start an experiment of one's own from."""

from pathlib import Path


def starter() -> str:
    """Return the text of a commented experiment that runs as it is."""
    return (Path(__file__).parent / "starter.toml").read_text(encoding="utf-8")
