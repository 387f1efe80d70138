from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from typing import Any

import pytest

from normlab.errors import WorkerError
from normlab.lab.dispatch import Dispatch
from normlab.lab.engines import Death, Engine, InProcess


class Fragile(Engine):
    """Three workers in one glass: when one breaks, all do. A call runs when the last slot fills."""

    def __init__(self, deadly: Callable[[int], bool]) -> None:
        self.deadly = deadly
        self.log: list[Any] = []
        self.pending: list[tuple[int, Future[Any]]] = []
        self.is_broken = False

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        if self.is_broken:
            raise BrokenExecutor
        future: Future[Any] = Future()
        self.pending.append((*args, future))
        return future

    def n_slots(self) -> int:
        return 3

    def death(self, error: BaseException) -> Death | None:
        return Death(1, "suddenly") if isinstance(error, BrokenExecutor) else None

    def check(self) -> None:
        """Run what was submitted, as nothing happens by itself here."""
        together = [trial for trial, _ in self.pending]
        self.log.append(together)
        self.is_broken = bool([trial for trial in together if self.deadly(trial)])
        for trial, future in self.pending:
            if self.is_broken:
                future.set_exception(BrokenExecutor())
            elif trial < 0:
                future.set_exception(ValueError(trial))
            else:
                future.set_result(trial)
        self.pending.clear()

    def mend(self) -> None:
        self.log.append("mended")
        self.is_broken = False


class Separate(Fragile):
    """Three workers apart: when one dies, the others go on."""

    n_done = 3
    """How many are done at a time."""

    def check(self) -> None:
        """Let those die that do; if none does, some are done."""
        self.log.append([trial for trial, _ in self.pending])
        dying = [one for one in self.pending if self.deadly(one[0])]
        for trial, future in dying or self.pending[: self.n_done]:
            if dying:
                future.set_exception(BrokenExecutor())
            else:
                future.set_result(trial)
        self.pending = [one for one in self.pending if not one[1].done()]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normlab.lab.dispatch.SECONDS_BETWEEN_CHECKS", 0)


def dispatched(engine: Engine, trials: list[int]) -> tuple[list[int], dict[int, BaseException]]:
    """What was done, in order, and what failed."""
    done: list[int] = []
    failed: dict[int, BaseException] = {}
    Dispatch(
        engine,
        lambda trial: engine.submit(id, trial),
        lambda trial, result: done.append(result),
        failed.__setitem__,
    ).run(trials)
    return done, failed


def test_a_few_run_at_a_time() -> None:
    engine = Fragile(lambda trial: False)
    assert dispatched(engine, [*range(7)]) == ([*range(7)], {})
    assert engine.log == [[0, 1, 2], [3, 4, 5], [6]]


def test_an_error_is_that_of_its_trial_alone() -> None:
    done, failed = dispatched(Fragile(lambda trial: False), [1, -2, 3])
    assert done == [1, 3]
    assert isinstance(failed[-2], ValueError)


def test_one_that_always_kills_is_given_up_and_no_other() -> None:
    engine = Fragile(lambda trial: trial == 1)
    done, failed = dispatched(engine, [*range(6)])
    assert sorted(done) == [0, 2, 3, 4, 5]
    assert [*failed] == [1]
    assert isinstance(failed[1], WorkerError)
    assert str(failed[1]).startswith("its worker process died 3 times, the last suddenly")
    alone = [[0], [1], "mended", [2], [1], "mended"]
    assert engine.log == [[0, 1, 2], "mended", *alone, [3, 4, 5]]


def test_every_trial_may_be_the_one_that_kills() -> None:
    done, failed = dispatched(Fragile(lambda trial: trial % 2 == 1), [*range(8)])
    assert sorted(done) == [0, 2, 4, 6]
    assert sorted(failed) == [1, 3, 5, 7]


def test_one_death_is_no_failure() -> None:
    deaths = iter([True])
    engine = Fragile(lambda trial: trial == 4 and next(deaths, False))
    done, failed = dispatched(engine, [*range(6)])
    assert sorted(done) == [*range(6)]
    assert failed == {}


def test_a_suspect_waits_until_nothing_else_runs() -> None:
    deaths = iter([True])
    engine = Separate(lambda trial: trial == 0 and next(deaths, False))
    assert dispatched(engine, [0, 1, 2, 3]) == ([1, 2, 0, 3], {})
    assert engine.log == [[0, 1, 2], [1, 2], "mended", [0], [3]]


def test_several_deaths_at_once_count_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fragile, "death", lambda engine, error: Death(4, "there"))
    engine = Fragile(lambda trial: trial == 1)
    _, failed = dispatched(engine, [1])
    assert str(failed[1]).startswith("its worker process died 8 times, the last there")
    assert engine.log == [[1], "mended", [1], "mended"]


def test_a_slot_is_filled_as_soon_as_it_is_free() -> None:
    engine = Separate(lambda trial: False)
    engine.n_done = 1
    assert dispatched(engine, [*range(5)]) == ([*range(5)], {})
    assert engine.log == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4], [4]]


def test_who_died_often_beside_others_is_heard_alone_before_it_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Fragile, "death", lambda engine, error: Death(4, "there"))
    deaths = iter([True])
    engine = Separate(lambda trial: trial == 0 and next(deaths, False))
    assert dispatched(engine, [0, 1]) == ([1, 0], {})


class Cancelling(InProcess):
    """Somebody else cancels what is submitted."""

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_a_trial_that_somebody_cancelled_has_failed() -> None:
    _, failed = dispatched(Cancelling(), [1])
    assert isinstance(failed[1], CancelledError)


def test_where_all_is_lost_a_cancelled_trial_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(engine: Engine) -> None:
        raise WorkerError("gone")

    monkeypatch.setattr(Cancelling, "check", lost)
    with pytest.raises(WorkerError, match="gone"):
        dispatched(Cancelling(), [1])


def test_a_worker_that_dies_idle_is_replaced() -> None:
    engine = Fragile(lambda trial: False)
    engine.is_broken = True
    assert dispatched(engine, [1, 2]) == ([1, 2], {})
    assert engine.log == ["mended", [1, 2]]
