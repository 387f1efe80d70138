"""The number of threads changes no bit of a result."""

import os
import subprocess
import sys
from collections.abc import Iterator

import numba
import numpy as np
import pytest

from kernels.shapes import LARGE_SHAPES, Array, rows
from normlab.kernels import batch_norm
from normlab.kernels.moments import moments

pytestmark = pytest.mark.skipif(
    numba.get_num_threads() < 2, reason="needs two threads; this machine gives Numba one"
)


@pytest.fixture(autouse=True)
def _same_threads_after() -> Iterator[None]:
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


def everything(x: Array, dy: Array, gamma: Array, threads: int) -> dict[str, bytes]:
    numba.set_num_threads(threads)
    found = moments(x)
    inv_std = batch_norm.inverse_std(found.var(), 1e-5)
    y = batch_norm.normalize(x, found.mean, inv_std, gamma, gamma)
    dx, d_gamma, d_beta = batch_norm.backward_batch(dy, x, found.mean, inv_std, gamma)
    arrays = {"mean": found.mean, "M2": found.M2, "y": y, "dx": dx, "gamma": d_gamma}
    return {name: array.tobytes() for name, array in (arrays | {"beta": d_beta}).items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", LARGE_SHAPES)
def test_one_thread_and_two_give_the_same_bits(shape: tuple[int, int], dtype: str) -> None:
    x, dy = rows(shape, dtype, seed=1, offset=3.0), rows(shape, dtype, seed=2)
    gamma = rows(shape[1:], dtype, seed=3)
    alone = everything(x, dy, gamma, threads=1)
    together = everything(x, dy, gamma, threads=2)
    assert [name for name in alone if alone[name] != together[name]] == []


def test_the_threads_can_be_set() -> None:
    numba.set_num_threads(2)
    assert numba.get_num_threads() == 2


def test_large_and_small_batches_share_one_definition() -> None:
    """A batch just large enough for threads equals its blocks done one by one, to rounding."""
    x = rows(LARGE_SHAPES[1], "float64", seed=4)
    half = len(x) // 2
    whole, halves = moments(x), moments(x[:half]).merge(moments(x[half:]))
    np.testing.assert_allclose(halves.M2, whole.M2, rtol=1e-12)


CONCURRENT = """
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from normlab.kernels._compile import PARALLEL_SIZE
from normlab.kernels.moments import moments
x = np.ones((PARALLEL_SIZE // 4, 4))
with ThreadPoolExecutor(4) as pool:
    print(sum(found.count for found in pool.map(moments, [x] * 8)) == 8 * len(x))
"""

FORKED = """
import os
import numpy as np
from normlab.kernels._compile import PARALLEL_SIZE
from normlab.kernels.moments import moments
x = np.ones((PARALLEL_SIZE // 4, 4))
moments(x)
if child := os.fork():
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0)
else:
    os._exit(0 if moments(x).count == len(x) else 1)
"""


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
@pytest.mark.parametrize("program", [CONCURRENT, FORKED], ids=["concurrent", "forked"])
def test_large_arrays_are_safe_among_threads_and_after_a_fork(program: str, layer: str) -> None:
    environment = os.environ | {"NUMBA_THREADING_LAYER": layer}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
