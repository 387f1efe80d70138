"""``normlab list``."""

from normlab.cli.tables import print_table


def list_experiments() -> None:
    """List the experiments that come with normlab, with the question each one asks."""
    from normlab import lab
    from normlab._table import Table

    rows = tuple((name, lab.load(name).question) for name in lab.catalog())
    print_table(Table(("experiment", "question"), rows, numbers_from=2))
