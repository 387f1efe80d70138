import pytest

from normlab.lab import progress_lines
from normlab.lab.progress import Progress
from normlab.lab.progress_lines import Lines, of_trials


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_lines, "monotonic", clock)
    return clock


def work(show: Lines, clock: Clock, seconds: float, total: int = 10) -> None:
    """Do all parts in so many seconds."""
    for done in range(total + 1):
        clock.now = seconds * done / total
        show(done, total)


def test_short_work_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Lines("parts"), clock, 1.9)
    assert capsys.readouterr().err == ""


def test_long_work_says_how_far_it_is_every_few_seconds_and_at_the_end(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    work(Lines("parts"), clock, 20.0)
    assert capsys.readouterr().err.splitlines() == [
        "1/10 parts",
        "4/10 parts, about 12 s left",
        "7/10 parts, about 6 s left",
        "10/10 parts",
    ]


def test_work_that_is_told_at_once_says_where_it_begins(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    work(Lines("parts", patience=0), clock, 0.1)
    assert capsys.readouterr().err == "0/10 parts\n10/10 parts\n"


def test_what_was_there_before_does_not_count_in_the_time_left(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    show = Lines("parts")
    for clock.now, done in ((0.0, 50), (1.0, 51), (3.0, 53)):
        show(done, 60, found=50)
    assert capsys.readouterr().err == "53/60 parts, about 7 s left\n"


def test_trials_are_told_with_what_diverged_and_failed(capsys: pytest.CaptureFixture[str]) -> None:
    show = of_trials(Lines("trials", patience=0))
    show(Progress(total=8, done=5, found=5, diverged=2, failed=1))
    assert capsys.readouterr().err == "6/8 trials, 2 diverged, 1 failed\n"
