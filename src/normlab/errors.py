"""Everything that normlab raises on purpose.

::

    NormlabError
    ├── ArgumentError (ValueError)      an argument breaks a rule; the message names both
    │   ├── ShapeError                  two shapes do not fit
    │   └── BatchSizeError              too few values to compute batch statistics from
    ├── StatisticsError (RuntimeError)  running statistics are asked for before any update
    ├── OptimizerError (RuntimeError)   an optimizer is used for a second network
    ├── DataError (ValueError)          a data file is missing, damaged or not what it says
    ├── ExperimentError (ValueError)    an experiment is unknown, or its file has mistakes
    ├── StoreError (RuntimeError)       a results folder cannot be read or written
    └── WorkerError (RuntimeError)      workers cannot be started or reached, or died

Catching ``NormlabError`` catches all of them and nothing else.
"""


class NormlabError(Exception):
    """The base of all errors that normlab raises on purpose."""


class ArgumentError(NormlabError, ValueError):
    """An argument breaks a rule."""


class ShapeError(ArgumentError):
    """Two shapes do not fit together; the message names both."""


class BatchSizeError(ArgumentError):
    """Too few values a feature to compute batch statistics from."""


class StatisticsError(NormlabError, RuntimeError):
    """Running statistics are asked for before any update."""


class OptimizerError(NormlabError, RuntimeError):
    """An optimizer, whose state belongs to one network, is used for another."""


class DataError(NormlabError, ValueError):
    """A data file is missing, damaged or not what it says it is."""


class ExperimentError(NormlabError, ValueError):
    """An experiment is unknown, or its file has mistakes."""


class StoreError(NormlabError, RuntimeError):
    """A results folder cannot be read or written."""


class WorkerError(NormlabError, RuntimeError):
    """Workers cannot be started or reached, or died."""
