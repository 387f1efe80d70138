"""The one table of the whole comparison: normlab's time, its peers' ratios, and the limit.

Times are medians of the rounds. A ratio says how many times as long the peer takes as normlab on as
many processors, each in the way that is its fastest. Cells hold one thread / two processors.
"""

from collections.abc import Callable, Sequence
from functools import partial

from bench.limit import AS_LARGE
from bench.timing import Result
from normlab._table import Table

CORES = (1, 2)

PEERS = ("PyTorch", "JAX", "published style")
HEADER = ("work", "normlab", *(f"{peer} / normlab" for peer in PEERS), "of the limit")

NOTHING = "-"

ONE_PROCESS = ", one process"
"""Ends the name of a peer that shares its work out among threads of its own, as most people run it:
in the best way, and so the first row of a job, it may be in two processes."""


def table(results: Sequence[Result]) -> Table:
    """Return a row a job that normlab has done, and that a peer or a limit stands beside."""
    rows = []
    for job in dict.fromkeys(result.job for result in results):
        rows.append(_row(results, job))
        if any(result.job == job and result.name.endswith(ONE_PROCESS) for result in results):
            rows.append(_row(results, job, ONE_PROCESS))
    return Table(HEADER, tuple(row for row in rows if any(row[2:])))


def seconds(value: float) -> str:
    """Return a time as it is told."""
    return f"{value:.2g} s" if value >= 1 else f"{1000 * value:.3g} ms"


def _row(results: Sequence[Result], job: str, way: str = "") -> tuple[str, ...]:
    """Return normlab's time and the ratios of its peers: in their best way, or in this one."""
    theirs = [result for result in results if result.name.endswith(way)]
    ratios = [_cell(results, job, partial(_ratio, theirs, peer)) for peer in PEERS]
    times = _cell(results, job, lambda own: seconds(own.seconds))
    share = "" if way else _cell(results, job, partial(_share, results))
    return (f"{job}; peers in{way[1:]}" if way else job, times, *ratios, share)


def _cell(results: Sequence[Result], job: str, text: Callable[[Result], str]) -> str:
    """Return what ``text`` says of normlab's result on each number of processors."""
    own = [_best(results, job, "normlab", cores) for cores in CORES]
    texts = ["" if result is None else text(result) for result in own]
    return " / ".join(text or NOTHING for text in texts) if any(texts) else ""


def _ratio(results: Sequence[Result], peer: str, own: Result) -> str:
    theirs = _best(results, own.job, peer, own.cores)
    return "" if theirs is None else f"{theirs.seconds / own.seconds:.2f}"


def _share(results: Sequence[Result], own: Result) -> str:
    """Return normlab's share of the memory's speed, or of that of large products."""
    limit = _best(results, own.job, AS_LARGE, own.cores)
    share = own.share if limit is None else limit.seconds / own.seconds
    return "" if share is None else f"{share:.0%}"


def _best(results: Sequence[Result], job: str, name: str, cores: int) -> Result | None:
    found = [r for r in results if (r.job, r.cores) == (job, cores) and r.name.startswith(name)]
    return min(found, key=lambda result: result.seconds, default=None)
