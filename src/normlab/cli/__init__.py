"""Commands: one file a command.

::

    app.py       the commands put together; main
    list.py      normlab list
    show.py      normlab show NAME
    run.py       normlab run NAME
    progress.py  how far a run is: a bar, or plain lines where there is no terminal
    tables.py    results as tables and as JSON

Words and progress go to stderr, results to stdout. What a command needs is imported when it runs,
so that ``--help`` answers at once.
"""

from normlab.cli.app import main

__all__ = ["main"]
