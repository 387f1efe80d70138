"""Pages: stored results to one self-contained HTML file.

::

    verdicts.py     claims and their verdicts, as they are shown
    published_tables.py  published tables, each cell beside what was measured
    strips.py       where an interval lies, as a drawing of a line's height
    grids.py        tables whose columns sort
    trials.py       every trial, or every combination of levels, with its responses
    pictures.py     figures as data, with words for those who do not see them
    origin.py       run.json: what it takes to repeat the run
    report.py       everything on the page of one experiment
    index.py        everything on the page over several
    pages.py        from these to HTML; the only user of Jinja
    templates/      the layout, a style sheet, a script that sorts tables
"""

from collections.abc import Mapping
from pathlib import Path

from normlab.lab import Results
from normlab.lab.files import write_file
from normlab.report import index, pages, report

__all__ = ["write_index", "write_report"]


def write_report(results: Results, folder: Path, drawn: Mapping[Path, bytes] | None = None) -> Path:
    """Write the page of a run into its folder, ``report.html``; return its path.

    One file that needs no other and no network. The same results, and the same ``run.json`` in
    the folder, give the same bytes. ``drawn`` is what ``figures.draw_all`` has returned for these
    results and this folder, where it has: the same figures need not be drawn again.
    """
    path = folder / "report.html"
    write_file(path, pages.render("report", report.view(results, folder, drawn or {})))
    return path


def write_index(folder: Path) -> Path:
    """Write a page over all runs directly below a folder, ``index.html``; return its path."""
    path = folder / "index.html"
    write_file(path, pages.render("index", index.view(folder)))
    return path
