"""The benchmark's tables, and those of the README, which it has written."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import cnn_step, kernel, markdown
from bench.__main__ import PARTS
from bench.timing import Result
from normlab._table import Table

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
STEP = str(cnn_step.STEPS[0])


def labels(table: str, n: int) -> list[list[str]]:
    """Return the first ``n`` cells of each row; of the header and the rule below it, all."""
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return [row if i < 2 else row[:n] for i, row in enumerate(cells)]


def results(job: str, times: dict[tuple[str, int], float]) -> list[Result]:
    return [Result(job, name, cores, 9.0, fastest, "") for (name, cores), fastest in times.items()]


def row_of(table_rows: Sequence[tuple[str, ...]], label: str) -> tuple[str, ...]:
    (row,) = [row for row in table_rows if row[0] == label]
    return row


@pytest.mark.parametrize(
    ("table", "n_labels"), [(markdown.normalization([]), 1), (markdown.works([]), 2)]
)
def test_the_tables_of_the_readme_have_the_form_that_the_benchmark_writes(
    table: Table, n_labels: int
) -> None:
    form = table.markdown()
    start = README.index(form.splitlines()[0])
    printed = "\n".join(README[start:].split("\n\n")[0].splitlines())
    assert labels(printed, n_labels) == labels(form, n_labels)


def test_a_ratio_is_to_the_better_layout_on_as_many_threads() -> None:
    times = {
        ("normlab", 1): 0.020,
        ("PyTorch, contiguous", 1): 0.030,
        ("PyTorch, channels_last", 1): 0.050,
        ("normlab", 2): 0.010,
        ("PyTorch, contiguous", 2): 0.040,
        ("PyTorch, channels_last", 2): 0.005,
    }
    row = row_of(markdown.works(results(STEP, times)).rows, STEP)
    assert row[2:4] == ("20 ms / 10 ms", "1.50 / 0.50")


def test_the_memory_is_that_of_the_layout_that_is_faster() -> None:
    found = results(
        STEP,
        {
            ("normlab", 2): 1.0,
            ("PyTorch, contiguous", 2): 3.0,
            ("PyTorch, channels_last", 2): 2.0,
        },
    )
    measured = [r._replace(megabytes=m) for r, m in zip(found, (30.0, 40.0, 50.0), strict=True)]
    assert row_of(markdown.works(measured).rows, STEP)[4:] == ("30 MB", "50 MB")


def test_the_parts_of_a_normalization_stand_in_their_columns() -> None:
    shape = kernel.SHAPES[0]
    found = []
    for factor, job in enumerate(
        (
            kernel.Job(shape, False),
            kernel.Job(shape, False, True),
            kernel.Job(shape, True),
            kernel.Job(shape, True, True),
        ),
        start=1,
    ):
        times = {("normlab", 1): 1.0, ("PyTorch", 1): float(factor)}
        found += [r._replace(share=factor / 10) for r in results(str(job), times)]
    row = row_of(markdown.normalization(found).rows, str(shape))
    assert row[1:] == ("1.00", "2.00", "3.00", "4.00", "30%")


def test_without_results_cells_are_empty() -> None:
    rows = (*markdown.normalization([]).rows, *(row[1:] for row in markdown.works([]).rows))
    assert {cell for row in rows for cell in row[1:]} == {""}


def test_every_part_can_be_run_alone() -> None:
    assert list(PARTS) == ["sweep", "kernel", "step"]
