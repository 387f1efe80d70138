#!/usr/bin/env python3
"""The commands of this checkout: ``python3 dev.py --help`` lists them.

Any Python can read this file, so that one too old for the project gets a clear line instead of
a SyntaxError. The commands themselves are in ``tools/``.
"""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "dev.py: needs Python 3.11 or newer, and this is Python %d.%d.%d (%s).\n"
        % (sys.version_info[:3] + (sys.executable,))
    )
    sys.exit(2)

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from tools.commands import main

    sys.exit(main(sys.argv[1:]))
