"""Threads from a size on that the slow twins can keep up with."""

import pytest

from kernels.shapes import LARGE
from normlab.kernels import _compile


@pytest.fixture(autouse=True)
def _threads_for_smaller_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compile, "PARALLEL_SIZE", LARGE)
