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
    trial.py        one training: configuration -> TrialResult, a pure function
    engines.py      this process, or local workers
    runner.py       run: what is missing, in parallel, each stored when done
    store.py        the files of a run
    results.py      arrays, contrast and CSV of a run
    intervals.py    paired differences
"""

from normlab.lab.experiment import Experiment
from normlab.lab.reading import catalog, load
from normlab.lab.results import Results
from normlab.lab.runner import Progress, changes, discard, n_stored, run

__all__ = [
    "Experiment",
    "Progress",
    "Results",
    "catalog",
    "changes",
    "discard",
    "load",
    "n_stored",
    "run",
]
