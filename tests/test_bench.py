"""The benchmark's tables, those of the README, which it has written, and the sweep's contenders."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import cnn_step, kernel, markdown, published_style, sweep
from bench.__main__ import PARTS
from bench.timing import Result
from normlab._table import Table
from normlab.data import load_mnist
from normlab.lab.engines import InProcess

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


# The sweep


def outcome(accuracy: float) -> sweep.Trial:
    return lambda scale, normalized: sweep.Outcome(accuracy, diverged=False)


@pytest.mark.parametrize(("peer", "module"), [("PyTorch", "torch"), ("JAX", "jax")])
def test_a_peer_takes_part_where_it_is_installed(peer: str, module: str) -> None:
    assert (peer in sweep.TRIALS) == (find_spec(module) is not None)


def test_every_contender_has_one_thread_and_two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("normlab", "published style", "PyTorch", "JAX")
    monkeypatch.setattr(sweep, "TRIALS", {name: outcome(0.5) for name in names})
    contenders = sweep._contenders([1.0, 0.1], {name: InProcess() for name in names})
    found = [(contender.name, contender.cores) for contender in contenders]
    assert len(set(found)) == len(found)
    assert {(name, 1) for name in names} | {(f"{name}, 2 workers", 2) for name in names} < set(
        found
    )
    assert {contender.run() for contender in contenders} == {"mean accuracy 0.500, 0 stopped"}


def test_the_sweep_stops_where_a_peer_computes_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "TRIALS", {"normlab": outcome(0.9), "JAX": outcome(0.896)})
    sweep._check_agreement()
    monkeypatch.setattr(sweep, "TRIALS", {"normlab": outcome(0.9), "JAX": outcome(0.89)})
    with pytest.raises(RuntimeError, match="JAX and normlab must compute the same, got"):
        sweep._check_agreement()


def test_jax_computes_what_the_published_style_does() -> None:
    pytest.importorskip("jax")
    from bench.jax_scan import JaxTrainer

    sizes, data = (784, 30, 20, 10), load_mnist(n_train=200, n_test=1)
    x = data.x_train.astype(np.float64)
    rng = np.random.default_rng(0)
    weights = [0.1 * rng.standard_normal(shape) for shape in pairwise(sizes)]
    batches: list[NDArray[np.integer[Any]]] = [rng.integers(200, size=50) for _ in range(31)]
    recorded = range(1, 32, 10)
    trainer = JaxTrainer(sizes, data, batches, recorded)
    for normalized in (True, False):
        own = [weight.copy() for weight in weights]  # which are trained in place
        expected = published_style.train(own, normalized, x, data.y_train, batches, recorded)
        assert trainer.train(weights, normalized) == pytest.approx(expected, abs=1.2 / 200)
        assert trainer.seconds[normalized] > 0
