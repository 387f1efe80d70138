"""Benchmarks: normlab and its peers on the same work, side by side, in one run.

::

    __main__.py         the command line: python -m bench [--quick] [--only PART] [--docs]
    sweep.py            the weight-scale sweep: 16 scales, with and without normalization
    published_style.py  its peer in plain float64 NumPy, as from-scratch courses write it
    torch_eager.py      its peer in PyTorch
    jax_scan.py         its peer in JAX
    limit.py            the time that the matrix products alone need
    comparison.py       the one table of the whole comparison
    kernel.py           batch normalization against PyTorch's
    cnn_step.py         a training step of a convolutional network, and its evaluation
    cnn.py              that network in normlab
    torch_cnn.py        its peer in PyTorch
    cnn_process.py      its time and memory, each contender in a process of its own
    command.py          how long a person waits: for the import, for help, for a whole run
    scaling.py          how time and memory grow: workers, replicates, width, depth, images
    scaling_process.py  a point of these curves, in a process of its own
    points.py           the points of a curve, and their table
    timing.py           interleaved rounds, one thread or two, the table of results
    markdown.py         a page of all tables
    results/            what was measured, a file a day and processor
"""
