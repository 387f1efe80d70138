"""The benchmark's tables, those of the README, which it has written, and the sweep's contenders."""

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import (
    cnn,
    cnn_step,
    command,
    comparison,
    kernel,
    limit,
    markdown,
    points,
    published_style,
    scaling,
    sweep,
)
from bench.__main__ import PARTS, content, facts, stored
from bench.command import Command
from bench.points import Point
from bench.scaling_process import sizes_of
from bench.timing import Result
from normlab._table import Table
from normlab.data import load_mnist
from normlab.lab.engines import InProcess
from normlab.network import build_cnn

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
    assert list(PARTS) == ["sweep", "kernel", "layer", "step", "command", "scaling"]


CURVE = [
    Point("step, by width", 50, seconds=2.0, work=1.0, unit="GFLOP", megabytes=90.0),
    Point("step, by width", 100, seconds=3.0, work=3.0, unit="GFLOP"),
]


def test_a_step_of_a_curve_shows_in_the_time_of_a_unit_of_work() -> None:
    rows = points.table(CURVE).rows
    assert [row[4:6] for row in rows] == [("2", "2.00"), ("1", "1.00")]


def test_points_say_their_memory_where_it_was_counted() -> None:
    assert [row[-1] for row in points.table(CURVE).rows] == ["90", ""]


def test_the_file_holds_results_points_and_the_date_in_utc() -> None:
    written = json.dumps(content(facts(), results("a job", {("normlab", 1): 1.0}), CURVE))
    found = json.loads(written)
    date = datetime.fromisoformat(found["facts"]["date"])
    assert date.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - date) < timedelta(minutes=1)
    assert found["results"][0]["job"] == "a job"
    assert [point["per_work"] for point in found["points"]] == [2.0, 1.0]


def test_a_command_is_measured_against_its_trainings_alone() -> None:
    parts = tuple(2.0 for _ in command.PARTS)
    whole = [Command(seconds, 15.0, parts) for seconds in (9.0, 10.0, 30.0)]
    cold = [Command(seconds, 40.0, parts) for seconds in (34.0, 35.0, 50.0)]
    found = {r.name: r for r in command.results([Command(4.0, 8.0)], whole, cold)}
    assert found[command.TRAINING].note.endswith("8.0 s of processors")
    note = found[command.WHOLE].note
    assert note == "2.50 times the trainings, goal 2.5 times; 15.0 s of processors"
    assert (found[command.COLD].seconds, found[command.COLD].fastest) == (25.0, 24.0)
    assert found[command.COLD].note.endswith("goal 20 s, missed")
    assert tuple(found) == command.NAMES_OF_RUN


def test_the_work_of_a_step_is_that_of_its_matrix_products() -> None:
    sizes = sizes_of("depth", 2)
    assert sizes == (784, 100, 100, 10)
    layers = 2 * 784 * 100 + 3 * 100 * 100 + 3 * 100 * 10
    work, unit = scaling.products("depth", 2)
    assert work == pytest.approx(2e-9 * limit.BATCH * layers)
    assert unit == "GFLOP"


def test_perfect_scaling_is_a_level_curve() -> None:
    times = {(scaling.ONE_WORKER, 1): 8.0, (scaling.TWO_WORKERS, 2): 4.0}
    found = [r._replace(seconds=r.fastest) for r in results(scaling.TOGETHER, times)]
    one, two = scaling.by_workers(found)
    assert one.per_work == two.per_work


def test_medians_stand_in_a_row_each_with_their_notes() -> None:
    found = [Result(scaling.MEMORY, scaling.WORKER, 2, 0.25, 0.2, "goal", megabytes=123.4)]
    rows = markdown.medians(found).rows
    assert rows[-1] == (scaling.MEMORY, scaling.WORKER, "goal", "250 ms", "123 MB")
    assert {cell for row in rows[:-1] for cell in row[2:]} == {""}


def test_a_page_holds_all_tables() -> None:
    page = markdown.page({"date": "today"}, [], CURVE)
    assert page.count("\n## ") == page.count("\n| --- |") == 6
    assert "\n- date: today\n" in page


# The comparison

TIMES = {
    ("normlab", 1): 2.0,
    ("normlab, 2 workers", 2): 1.0,
    ("PyTorch", 1): 3.0,
    ("JAX, one process", 2): 4.0,
    ("JAX, 2 workers", 2): 0.5,
    (limit.AS_LARGE, 1): 1.0,
    (limit.AS_LARGE, 2): 0.25,
}


def medians(job: str, times: dict[tuple[str, int], float]) -> list[Result]:
    return [Result(job, name, cores, seconds, 0.0, "") for (name, cores), seconds in times.items()]


def test_the_comparison_has_ratios_of_medians_and_the_share_of_the_limit() -> None:
    row, in_one_process = comparison.table(medians("a job", TIMES)).rows
    assert row == ("a job", "2 s / 1 s", "1.50 / -", "- / 0.50", "", "50% / 25%")
    name = "a job; peers in one process"
    assert in_one_process == (name, "2 s / 1 s", "", "- / 4.00", "", "")


def test_the_comparison_leaves_out_what_has_neither_peer_nor_limit() -> None:
    alone = medians("a job", {("normlab", 1): 1.0})
    assert comparison.table(alone + medians("another", {("PyTorch", 1): 1.0})).rows == ()


def test_the_comparison_of_a_normalization_is_with_the_memorys_speed() -> None:
    found = [r._replace(share=0.8) for r in medians("a job", {("normlab", 1): 1.0})]
    (row,) = comparison.table(found).rows
    assert row[-1] == "80% / -"


def test_the_products_of_the_convolutional_network_are_those_of_its_parameters() -> None:
    network = build_cnn(cnn.spec(False, 0.0), rng=np.random.default_rng(0))
    weights = [p.size for p in network.parameters.values() if p.ndim > 1]
    assert [inputs * outputs for _, inputs, outputs in cnn.PRODUCTS] == weights


def test_training_takes_three_products_a_layer_but_two_of_the_first() -> None:
    first, *others = (2 * 50 * math.prod(sizes) for sizes in cnn.PRODUCTS)
    assert cnn.operations(50, training=False) == first + sum(others)
    assert cnn.operations(50, training=True) == 2 * first + 3 * sum(others)


def test_stored_results_are_named_by_day_and_processor() -> None:
    name = stored({"date": "2026-01-02T03:04:05+00:00"}).name
    assert re.fullmatch(r"2026-01-02-[\w-]+\.json", name)


# The sweep


def outcome(accuracy: float) -> sweep.Trial:
    return lambda scale, normalized: sweep.Outcome(accuracy, diverged=False)


@pytest.mark.parametrize(("peer", "module"), [("PyTorch", "torch"), ("JAX", "jax")])
def test_a_peer_takes_part_where_it_is_installed(peer: str, module: str) -> None:
    assert (peer in sweep.TRIALS) == (find_spec(module) is not None)


def test_every_contender_has_one_thread_and_two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("normlab", "published style", "PyTorch", "JAX")
    monkeypatch.setattr(sweep, "TRIALS", {name: outcome(0.5) for name in names})
    monkeypatch.setattr(sweep, "HAS_JAX", True)
    monkeypatch.setattr(sweep, "LocalWorkers", lambda n_workers: InProcess())
    contenders = sweep._contenders([1.0, 0.1], sweep._teams())
    found = [(contender.name, contender.cores) for contender in contenders]
    assert found == [
        *((name, 1) for name in names),
        ("published style, one process", 2),
        ("PyTorch, one process", 2),
        *((f"{name}, 2 workers", 2) for name in names),
        ("JAX, one process", 2),
        (limit.AS_LARGE, 1),
        (limit.AS_LARGE, 2),
    ]
    ran = {contender.run() for contender in contenders[:-2]}
    assert ran == {"mean accuracy 0.500, 0 stopped"}


def test_the_limit_takes_as_many_operations_as_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    class Factor(np.ndarray):
        def __matmul__(self, other: Any) -> Any:
            done.append(2 * self.size * other.shape[1])
            return np.asarray(self) @ np.asarray(other)

    monkeypatch.setattr(limit, "_matrix", lambda m, n: np.ones((10, 10)).view(Factor))
    one, two = limit.contenders(5000)
    assert (one.cores, two.cores) == (1, 2)
    two.run()
    assert done == [2000, 2000, 1000]


def test_the_sweep_stops_where_a_peer_computes_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "TRIALS", {"normlab": outcome(0.9), "JAX": outcome(0.896)})
    sweep._check_agreement()
    monkeypatch.setattr(sweep, "TRIALS", {"normlab": outcome(0.9), "JAX": outcome(0.89)})
    with pytest.raises(RuntimeError, match="JAX and normlab must compute the same, got"):
        sweep._check_agreement()


def test_jax_computes_what_the_published_style_does() -> None:
    pytest.importorskip("jax", reason="a peer, which the tests do without")
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
