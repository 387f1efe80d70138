"""Commands: one file a command.

::

    app.py         the commands put together
    list.py        normlab list
    show.py        normlab show NAME
    run.py         normlab run NAME
    one_run.py     a run from training to report
    verdicts.py    normlab verdicts DIR
    report.py      normlab report DIR
    export.py      normlab export DIR
    new.py         normlab new FILE
    demo_layer.py  normlab demo-layer
    settings.py    --set FIELD=VALUE
    folders.py     the runs in a folder
    progress.py    how far long work is: a bar, or plain lines where there is no terminal
    tables.py      where words and results go, and tables there
    as_json.py     results for programs

Words and progress go to stderr, results to stdout. What a command needs is imported when it runs,
so that ``--help`` answers at once.
"""

import atexit
import gc
import signal
import sys
from io import StringIO, TextIOWrapper

__all__ = ["main"]

INTERRUPTED = 130


def main() -> None:
    """Run the command line.

    Exit codes: 0 done; 1 done, but some trials failed; 2 wrong usage or a wrong file;
    130 interrupted.
    """
    for name in ("stdout", "stderr"):  # None where whoever started this has closed them
        if getattr(sys, name) is None:
            setattr(sys, name, StringIO())
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="replace")  # a letter that it has not is no reason to end
    atexit.register(gc.freeze)  # nothing is freed one by one that ends with the process anyway
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end it is to interrupt it
        from normlab.cli.app import answer  # inside, because it takes long enough to be interrupted

        code = answer()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
