"""Keeps an engine busy with trials, and finds out which of them kill their worker.

The death of a worker may break trials beside the one that it died of. So those that it broke are
suspects: each runs again, alone, where what is not to blame succeeds. One that keeps on killing is
given up.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any

from normlab.errors import WorkerError
from normlab.lab.engines import Death, Engine

MOST_DEATHS = 3
"""A trial whose worker died so often is given up, if it was alone the last time."""

SECONDS_BETWEEN_CHECKS = 5.0


class Dispatch:
    """Runs trials, which go by their number.

    Parameters
    ----------
    engine
        Where they run.
    start
        Submits a trial to the engine.
    on_done, on_failed
        Called with the number of a trial and its result, or the error that it ended in.
    """

    def __init__(
        self,
        engine: Engine,
        start: Callable[[int], Future[Any]],
        on_done: Callable[[int, Any], None],
        on_failed: Callable[[int, BaseException], None],
    ) -> None:
        self.engine, self.start = engine, start
        self.on_done, self.on_failed = on_done, on_failed
        self._running: dict[Future[Any], int] = {}
        self._waiting: deque[int] = deque()
        self._suspects: deque[int] = deque()
        self._deaths: Counter[int] = Counter()
        self._alone: int | None = None  # the suspect that runs, or ran last
        self._broken = False

    def run(self, trials: Iterable[int]) -> None:
        """Run trials until each is done or has failed."""
        self._waiting.extend(trials)
        while self._waiting or self._suspects or self._running:
            self._fill()
            for future in sorted(self._ended(), key=self._running.__getitem__):
                self._settle(self._running.pop(future), future)
            if self._broken and not self._running:
                self.engine.mend()
                self._broken = False

    def _fill(self) -> None:
        """Submit what there is room for; a suspect only when nothing else runs."""
        if self._suspects:
            if not self._running:
                self._alone = self._suspects[0]
                self._submit(self._suspects)
            return
        room = self.engine.n_slots() - len(self._running)
        while room > 0 and self._waiting and not self._broken:
            self._submit(self._waiting)
            room -= 1

    def _submit(self, queue: deque[int]) -> None:
        try:
            future = self.start(queue[0])
        except BrokenExecutor:  # a worker died while it had nothing to do
            self._broken = True
        else:
            self._running[future] = queue.popleft()

    def _ended(self) -> set[Future[Any]]:
        """Wait for one trial at least, if any runs."""
        while self._running:
            ended, _ = wait(self._running, SECONDS_BETWEEN_CHECKS, FIRST_COMPLETED)
            if ended:
                return ended
            self.engine.check()
        return set()

    def _settle(self, trial: int, future: Future[Any]) -> None:
        try:
            error = future.exception()
        except CancelledError as cancelled:  # by nobody here
            self.engine.check()
            error = cancelled
        death = None if error is None else self.engine.death(error)
        if death is not None:
            self._blame(trial, death)
        elif error is not None:
            self.on_failed(trial, error)
        else:
            self.on_done(trial, future.result())

    def _blame(self, trial: int, death: Death) -> None:
        self._broken = True
        self._deaths[trial] += death.times
        n = self._deaths[trial]
        if trial != self._alone or n < MOST_DEATHS:
            self._suspects.append(trial)
            return
        died = f"its worker process died {n} times, the last {death.how}"
        self.on_failed(trial, WorkerError(f"{died}, perhaps for want of memory"))
