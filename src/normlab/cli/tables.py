"""Results as tables for people, and as JSON for programs."""

import json
from collections.abc import Sequence
from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    from normlab.lab import Results
    from normlab.lab.results import Failure

WIDE = 200
"""Columns where there is no terminal: a file or a pipe needs no line breaks."""


def stdout() -> Console:
    """Return where results go. Text is printed as it is: brackets in it are no markup."""
    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, width=WIDE)


def print_table(table: Table) -> None:
    """Print a table to stdout, never narrower than its numbers: these are not cut off."""
    console = stdout()
    unbounded = console.options.update(width=10_000, max_width=10_000)
    needed = Measurement.get(console, unbounded, table).maximum
    Console(markup=False, highlight=False, width=max(console.width, needed)).print(table)


def stderr() -> Console:
    """Return where words and progress go."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int) -> Table:
    """Return a table; columns from ``numbers_from`` on are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(header):
        number = i >= numbers_from
        table.add_column(name, justify="right" if number else "left", no_wrap=number)
    for row in rows:
        table.add_row(*row)
    return table


def short(value: Any) -> str:
    """Return a value as a person would write it."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(short(item) for item in value)
    return str(value)


def equations(failure: "Failure") -> str:
    """Return which trial failed."""
    place = failure.levels | {"replicate": failure.replicate}
    return ", ".join(f"{name} = {short(value)}" for name, value in place.items())


def count(n: int, what: str) -> str:
    """Return ``1 trial``, ``2 trials``."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def contrast_table(results: "Results") -> Table:
    """Return the contrast: a row a combination of the other factors' levels."""
    contrast = results.experiment.contrast
    others = [name for name in results.levels if name != contrast.factor]
    a, b = short(contrast.baseline), short(contrast.treatment)
    header = [*others, a, b, "difference", "95% interval", "diverged"]
    rows = []
    for row in results.contrast():
        d = row.difference
        interval = "-" if isnan(d.low) else f"{d.low:+.3f} to {d.high:+.3f}"
        ends = row.baseline_diverged, row.treatment_diverged
        rows.append(
            [
                *(short(level) for level in row.levels.values()),
                _mean(row.baseline),
                _mean(row.treatment),
                "-" if isnan(d.mean) else f"{d.mean:+.3f}",
                interval,
                f"{ends[0]} / {ends[1]}" if any(ends) else "",
            ]
        )
    table = text_table(header, rows, numbers_from=0)
    replicates = results.experiment.replicates
    measured = contrast.response.replace("train_", "training ").replace("_", " ")
    table.title = f"Final {measured}, mean of {count(replicates, 'replicate')}"
    notes = ["difference: paired over replicates"]
    if any(row[-1] for row in rows):
        notes += [f"diverged: replicates of {a} / of {b}", "what is not finite counts as wrong"]
    table.caption = "; ".join(notes)
    return table


def as_json(results: "Results", files: Sequence[Path]) -> str:
    """Return what a run found, as JSON; null stands for what is not a finite number."""
    experiment = results.experiment
    rows = [
        {
            **row.levels,
            "baseline": _finite(row.baseline.tolist()),
            "treatment": _finite(row.treatment.tolist()),
            "baseline_diverged": row.baseline_diverged,
            "treatment_diverged": row.treatment_diverged,
            "difference": _finite(row.difference.mean),
            "interval": _finite([row.difference.low, row.difference.high]),
            "pairs": row.difference.n_pairs,
        }
        for row in results.contrast()
    ]
    tree = {
        "experiment": experiment.name,
        "trials": len(results.trials),
        "diverged": sum(t.history.diverged_at_step is not None for t in results.trials),
        "failed": [failure._asdict() for failure in results.failures],
        "contrast": {**experiment.contrast.model_dump(), "rows": rows},
        "files": [str(path) for path in files],
    }
    return json.dumps(tree, indent=1, allow_nan=False)


def _mean(values: Any) -> str:
    known = values[~(values != values)]
    return f"{known.mean():.3f}" if len(known) else "-"


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value if isfinite(value) else None
