"""Questions: an experiment is many paired trainings, stored, compared and counted.

::

    catalog/        one TOML file an experiment, with its published values
    config.py       one training, resolved, as data
    experiment.py   the form of an experiment's file
    reading.py      load: a name or a path -> Experiment, or every mistake in the file
    obstacles.py    what keeps a training from being run
    published.py    published values, matched to the levels
    factors.py      what varies: levels, and the grid of their combinations
    randomness.py   the generator of each purpose in each replicate
    design.py       the trials of an experiment in a row
    trial.py        one training: configuration -> TrialResult, a pure function
    identity.py     what makes two trials the same one, and its name
    engines.py      where trials run: this process, or local workers
    cluster.py      or a Dask cluster
    dispatch.py     keeps them busy, and finds out which trial kills its worker
    interrupts.py   Ctrl-C that comes at a bad moment
    runner.py       run: what is missing, in parallel, each stored when done
    progress.py     how far a run is
    store.py        the files of a run: its trials
    codec.py        the stored form of a trial, to the bit
    timings.py      how long trials took, and where
    record.py       what was run, and how
    contents.py     read: from a folder's files to results
    files.py        files that appear whole
    results.py      arrays, contrast and CSV of a run
    intervals.py    paired differences
    descriptions.py what an experiment records, measures and draws, in sentences
    estimate.py     how long an experiment takes here
    lines.py        how far work is, in plain lines
    starting.py     a file to start an experiment of one's own from
"""

from normlab.lab.contents import n_stored, read
from normlab.lab.experiment import Experiment
from normlab.lab.progress import Progress
from normlab.lab.reading import catalog, load
from normlab.lab.record import changes
from normlab.lab.results import Results
from normlab.lab.runner import run

__all__ = [
    "Experiment",
    "Progress",
    "Results",
    "catalog",
    "changes",
    "load",
    "n_stored",
    "read",
    "run",
]
