"""``normlab list``."""

from normlab.cli.tables import stdout, text_table


def list_experiments() -> None:
    """List the experiments that come with normlab, with the question each one asks."""
    from normlab import lab

    rows = [(name, lab.load(name).question) for name in lab.catalog()]
    stdout().print(text_table(("experiment", "question"), rows, numbers_from=2))
