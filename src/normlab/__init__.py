"""Batch normalization, from the formula to the figure.

A small, fast neural-network library written from scratch, and a laboratory that trains the same
network with and without batch normalization and says, with numbers and pictures, what it did.

Read the folders in the order of the work::

    data -> network -> training -> lab -> figures -> report

    kernels/    maths: arrays in, arrays out; the only user of Numba
    layers/     pieces: one class a file, with parameters, statistics, forward, backward
    network/    whole networks: spec, build, network
    data/       MNIST, IDX files, mini-batches
    training/   network + data -> History: config, loop, losses, optimizers, metrics, probes
    lab/        questions: many trainings -> results, verdicts; catalog/ holds the experiments
    figures/    pictures of results; the only user of Matplotlib
    report/     pages: results and figures in one HTML file
    cli/        the command line

The usual names stand at the root, ``import normlab as nl; nl.BatchNorm``, and are loaded when
first used; ``__init__.pyi`` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
