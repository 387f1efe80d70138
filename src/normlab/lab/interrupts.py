"""Ctrl-C that comes at a bad moment, and is heeded right after it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from threading import current_thread, main_thread
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # the command line takes both for an interrupt


@contextmanager
def put_off() -> Iterator[None]:
    """Let an interrupt wait for the end of the block; a second one does not wait.

    For blocks that call back from C, where Python prints a KeyboardInterrupt and goes on.
    """
    if current_thread() is not main_thread():
        yield  # where interrupts never arrive
        return
    came: list[tuple[Any, ...]] = []
    before = {int(number): signal.getsignal(number) for number in SIGNALS}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}

    def note(number: int, frame: Any) -> None:
        if came:
            handlers[number](number, frame)
        came.append((number, frame))

    for number in handlers:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if came:
        handlers[came[0][0]](*came[0])


@contextmanager
def held_back() -> Iterator[None]:
    """Let processes that start meanwhile never see Ctrl-C, which reaches a terminal's every one.

    The parent alone decides what it means, and sees one that came meanwhile afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    with put_off():
        resource_tracker.ensure_running()  # starts a process of its own, lets interrupts through
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
