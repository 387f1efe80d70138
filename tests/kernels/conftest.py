"""Threads from a size on that the slow twins can keep up with."""

import pytest

from kernels.shapes import LARGE
from normlab.kernels import threads


@pytest.fixture(autouse=True)
def _threads_for_smaller_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "FEWEST_ELEMENTS", LARGE // 8)
    monkeypatch.setattr(threads, "WAKE", LARGE)
