"""Questions: an experiment is many paired trainings, stored, compared and counted.

What is asked::

    experiment.py      an experiment: its file, field by field
    factors.py         what varies: levels, and the grid of their combinations
    responses.py       what is measured on each trial
    claims.py          what the responses must show
    figure_spec.py     what is drawn
    published.py       published values, matched to the levels
    catalog/           the experiments that come with normlab, one TOML file each
    starter.py         a file to start one of your own from

How its file is read::

    reading.py         load: a name or a path -> Experiment, or every mistake in the file
    validation.py      mistakes in a field, and unknown keys
    misfits.py         parts of an experiment that do not fit together
    labels.py          layers and other labels that no training has
    obstacles.py       what keeps a training from being run

How it is run::

    runner.py          run: what is missing, in parallel, each stored when done
    design.py          the trials of an experiment in a row
    config.py          one training, resolved, as data
    randomness.py      the generator of each purpose in each replicate
    trial.py           one training: configuration -> TrialResult, a pure function
    shared_data.py     data that workers of one machine share
    engines.py         where trials run: this process, or local workers
    cluster.py         or a Dask cluster
    dispatch.py        keeps them busy, and finds out which trial kills its worker
    interrupts.py      Ctrl-C that comes at a bad moment
    progress.py        how far a run is, in counts
    progress_lines.py  and in lines on stderr
    estimate.py        how long an experiment takes here

How it is kept::

    store.py           the folder of a run: its files, and its trials
    identity.py        what makes two trials the same one, and its name
    codec.py           the stored form of a trial, to the bit
    timings.py         how long trials took, and where
    provenance.py      what was run, and how
    stored_results.py  read: from a folder's files to Results
    files.py           files that appear whole

What it says::

    results.py         Results: arrays by levels and replicates, contrast, verdicts
    outcomes.py        what results are made of: trials, failures, rows of the contrast
    intervals.py       means over replicates, with an interval
    verdicts.py        claims and responses -> verdicts
    published_tables.py  published tables, each cell beside what was measured
    tables.py          results as tables for people
    export.py          and as CSV for programs
    descriptions.py    what an experiment records, measures and draws, in sentences
    words.py           levels, factors and responses in words
"""

from normlab.lab.claims import Claim
from normlab.lab.experiment import Experiment
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.progress import Progress
from normlab.lab.provenance import changes
from normlab.lab.reading import catalog, load
from normlab.lab.responses import ResponseSpec
from normlab.lab.results import Results
from normlab.lab.runner import run
from normlab.lab.stored_results import n_stored, read
from normlab.lab.verdicts import Verdict

__all__ = [
    "Claim",
    "Experiment",
    "FigureSpec",
    "Progress",
    "ResponseSpec",
    "Results",
    "Verdict",
    "catalog",
    "changes",
    "load",
    "n_stored",
    "read",
    "run",
]
