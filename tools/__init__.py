"""The developer's commands behind ``dev.py``: the standard library alone, Python 3.11 or newer."""
