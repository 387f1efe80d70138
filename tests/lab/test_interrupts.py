import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread

import pytest

from lab.tiny import load
from normlab.lab.config import TrialConfig
from normlab.lab.design import Design
from normlab.lab.interrupts import held_back, put_off

Block = Callable[[], AbstractContextManager[None]]


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def interrupted(block: Block, *steps: Callable[[], None]) -> None:
    """Take steps in a block that an interrupt ends."""
    with pytest.raises(KeyboardInterrupt), block():
        [step() for step in steps]


@pytest.mark.parametrize("block", [put_off, held_back])
def test_an_interrupt_comes_after_the_block(block: Block) -> None:
    done: list[str] = []
    interrupted(block, interrupt, lambda: done.append("all"))
    assert done == ["all"]


def test_a_second_interrupt_does_not_wait() -> None:
    done: list[str] = []
    interrupted(put_off, interrupt, interrupt, lambda: done.append("all"))
    assert done == []


@pytest.mark.parametrize("block", [put_off, held_back])
def test_ctrl_c_is_as_before_afterwards(block: Block) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with block():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_another_thread_may_put_off_what_never_comes_to_it() -> None:
    done: list[str] = []

    def work() -> None:
        with put_off():
            done.append("all")

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["all"]


def test_a_configuration_is_whole_before_an_interrupt_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pydantic would print one that comes in one of our rules, and go on."""
    done: list[str] = []

    def rules(config: TrialConfig) -> Iterator[str]:
        interrupt()
        done.append("rules")
        yield from ()

    design = Design(load(tmp_path))
    monkeypatch.setattr(TrialConfig, "broken_rules", rules)
    with pytest.raises(KeyboardInterrupt):
        design.config(0)
    assert done == ["rules"]
