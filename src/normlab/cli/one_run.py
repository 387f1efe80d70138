"""A run from training to report."""

from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

import typer

from normlab.cli import INTERRUPTED
from normlab.cli.progress import progress
from normlab.cli.tables import print_table, stderr

if TYPE_CHECKING:
    from normlab.lab import Experiment, Progress, Results


MOST_CHANGES = 6
"""Of a set-up, that are told."""


class How(NamedTuple):
    """How runs are done."""

    n_workers: int | None
    scheduler: str | None
    fresh: bool
    command: str


class Finished(NamedTuple):
    """What a run left."""

    results: "Results"
    files: list[Path]


def one_run(experiment: "Experiment", folder: Path, how: How) -> Finished:
    """Train, store, draw and report, and say so."""
    from normlab import lab
    from normlab.lab.words import place

    words = stderr()
    words.print(f"{experiment.title}: {experiment.n_trainings} trainings, stored in {folder}")
    if changes := lab.changes(experiment, folder):
        more = f"; {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
        words.print(
            f"{folder} was last used with another set-up"
            f" ({'; '.join(changes[:MOST_CHANGES])}{more}). Its trials stay;"
            " its table and figures are replaced. --out names another folder."
        )
    if how.fresh and (n := lab.n_stored(experiment, folder)):
        words.print(f"--fresh: discards {n} finished trial{'' if n == 1 else 's'} in {folder}")
    try:
        results = _train(experiment, folder, how)
        files = write(results, folder)
    except KeyboardInterrupt:
        kept = f"{lab.n_stored(experiment, folder)} of {experiment.n_trainings} trials are kept"
        same = "the same command without --fresh" if how.fresh else "the same command"
        words.print(f"Interrupted: {kept} in {folder}; {same} continues.")
        raise typer.Exit(INTERRUPTED) from None
    for levels, replicate, cause in results.failures:
        words.print(f"failed: {place(experiment, levels)}, replicate {replicate}: {cause}")
    words.print("Written:", *(f"\n  {path}" for path in files), sep="")
    return Finished(results, files)


def write(results: "Results", folder: Path) -> list[Path]:
    """Write table, figures and report of a run; return their paths, the report's first."""
    from normlab import figures, report
    from normlab.lab.files import write_file

    table = folder / "results.csv"
    n_figures = len(results.experiment.figures) if results.trials else 0
    with progress("drawn and written") as show_progress:
        show_progress(0, n_figures + 2)
        write_file(table, results.to_csv().encode())
        show_progress(1, n_figures + 2)
        drawn: dict[Path, bytes] = {}
        if n_figures:
            drawn = figures.draw_all(results, folder, lambda i, n: show_progress(i + 1, n + 2))
        page = report.write_report(results, folder, drawn)
        show_progress(n_figures + 2, n_figures + 2)
    return [page, *drawn, table]


def tell(results: "Results") -> None:
    """Print contrast, published table and verdicts to stdout."""
    from normlab.lab import tables

    print_table(results.table())
    verdicts = tables.verdicts([(results.experiment, results.verdicts())])
    for table in (results.published_table(), verdicts):
        if table.rows:
            print_table(table)


def _train(experiment: "Experiment", folder: Path, how: How) -> "Results":
    from normlab import lab
    from normlab.lab.progress_lines import of_trials

    words = stderr()
    told = set()
    # Figures and report, while workers train: more than half a second less behind the last trial.
    Thread(target=import_module, args=["normlab.report"], daemon=True).start()
    with progress("trials", at_once=True) as show_progress:
        show_trials = of_trials(show_progress)

        def report(progress: "Progress") -> None:
            for path in progress.set_aside:
                if path not in told:
                    words.print(f"damaged, set aside, and its trial runs again: {path}")
                    told.add(path)
            show_trials(progress)

        return lab.run(
            experiment,
            folder,
            n_workers=how.n_workers,
            scheduler=how.scheduler,
            fresh=how.fresh,
            command=how.command,
            on_progress=report,
        )
