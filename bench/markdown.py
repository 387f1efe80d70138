"""The results as a page of tables, two of which the README's section on performance has too.

A ratio says how many times as long the peer takes as normlab, each at its fastest and on as many
threads; PyTorch in the better of its memory layouts. Cells hold one thread / two threads.
"""

from collections.abc import Callable, Sequence
from itertools import product

from bench import cnn_step, command, comparison, kernel, points, scaling, sweep
from bench.comparison import seconds
from bench.points import Point
from bench.timing import Result
from normlab._table import Table

CORES = (1, 2)

HEAD = """\
# Performance: the tables

`python3 dev.py bench --docs` has written this page; [performance.md](performance.md) says how it
measures. Cells with two numbers are on one thread / on two processors."""

NORMALIZATION_HEADER = (
    "batch normalization",
    "forward",
    "forward + ReLU",
    "forward + backward",
    "forward + ReLU + backward",
    "of the memory's speed",
)
WORKS_HEADER = ("work", "peer", "normlab", "ratio", "memory", "peer's memory")
WORKS = (
    *((str(job), "PyTorch") for job in cnn_step.STEPS),
    (cnn_step.EVALUATION.format(n=cnn_step.N_EVALUATED), "PyTorch"),
    (sweep.ALL, "PyTorch"),
    (sweep.ALL, "JAX"),
    (sweep.ALL, "published style"),
)

EVERYTHING_HEADER = ("work", "contender", "note", "processors", "median", "fastest", "memory")

MEDIANS_HEADER = ("work", "what", "note", "median", "memory")
MEDIANS = (
    *((command.START, name) for name in (command.IMPORT, command.NAMES, command.HELP)),
    *((command.RUN, name) for name in command.NAMES_OF_RUN),
    *((scaling.TOGETHER, name) for name in scaling.WAYS),
    (scaling.MEMORY, scaling.WORKER),
)


def page(facts: dict[str, str], results: Sequence[Result], curves: Sequence[Point] = ()) -> str:
    """Return all tables, and before them what the numbers depend on."""
    tables = {
        "The comparison": comparison.table(results),
        "Batch normalization: times as long as normlab, and the memory's speed": normalization(
            results
        ),
        "Each at its fastest, with memory": works(results),
        "What a person waits for": medians(results),
        "How time and memory grow": points.table(curves),
        "Every contender": everything(results),
    }
    parts = [HEAD, "\n".join(f"- {name}: {fact}" for name, fact in facts.items())]
    parts += [f"## {title}\n\n{table.markdown()}" for title, table in tables.items()]
    return "\n\n".join(parts) + "\n"


def normalization(results: Sequence[Result]) -> Table:
    """Return a row a shape: ratios to PyTorch, and normlab's share of the memory's speed."""
    rows = []
    for shape in kernel.SHAPES:
        jobs = [
            str(kernel.Job(shape, backward, relu))
            for backward, relu in product((False, True), (False, True))
        ]
        ratios = [_cell(results, job, "PyTorch", _ratio) for job in jobs]
        rows.append((str(shape), *ratios, _cell(results, jobs[2], "PyTorch", _share)))
    return Table(NORMALIZATION_HEADER, tuple(rows))


def works(results: Sequence[Result]) -> Table:
    """Return a row a work and peer: normlab's time, the ratio, and the memory of both."""
    columns = (_time, _ratio, _memory, _memory_of_peer)
    rows = [(job, peer, *(_cell(results, job, peer, c) for c in columns)) for job, peer in WORKS]
    return Table(WORKS_HEADER, tuple(rows), numbers_from=2)


def medians(results: Sequence[Result]) -> Table:
    """Return a row a process or way: its time, its memory, and how that stands to the goal."""
    rows = []
    for job, name in MEDIANS:
        found = [r for r in results if (r.job, r.name) == (job, name)]
        cells = [(r.note, seconds(r.seconds), _megabytes(r)) for r in found] or [("", "", "")]
        rows.append((job, name, *cells[0]))
    return Table(MEDIANS_HEADER, tuple(rows), numbers_from=3)


def everything(results: Sequence[Result]) -> Table:
    """Return a row a contender."""
    rows = []
    for r in results:
        times = seconds(r.seconds), seconds(r.fastest), _megabytes(r)
        rows.append((r.job, r.name, r.note, str(r.cores), *times))
    return Table(EVERYTHING_HEADER, tuple(rows), numbers_from=3)


def _cell(
    results: Sequence[Result], job: str, peer: str, text: Callable[[Result, Result], str]
) -> str:
    """Return what ``text`` says of normlab's result and the peer's, for each number of threads."""
    pairs = [(_fastest(results, job, "normlab", n), _fastest(results, job, peer, n)) for n in CORES]
    cells = [text(own, theirs) for own, theirs in pairs if own is not None and theirs is not None]
    return " / ".join(cell for cell in cells if cell)


def _fastest(results: Sequence[Result], job: str, name: str, cores: int) -> Result | None:
    found = [r for r in results if (r.job, r.cores) == (job, cores) and r.name.startswith(name)]
    return min(found, key=lambda result: result.fastest, default=None)


def _ratio(own: Result, theirs: Result) -> str:
    return f"{theirs.fastest / own.fastest:.2f}"


def _time(own: Result, theirs: Result) -> str:
    return seconds(own.fastest)


def _share(own: Result, theirs: Result) -> str:
    return "" if own.share is None else f"{own.share:.0%}"


def _memory(own: Result, theirs: Result) -> str:
    return _megabytes(own)


def _memory_of_peer(own: Result, theirs: Result) -> str:
    return _megabytes(theirs)


def _megabytes(result: Result) -> str:
    return "" if result.megabytes is None else f"{result.megabytes:.0f} MB"
