"""Convolution against loops over every index, for all kinds of windows."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench.cnn_process import begin_counting, resident
from kernels.shapes import Array
from normlab.errors import ShapeError
from normlab.kernels import convolution as kernel
from normlab.kernels.threads import threads
from normlab.kernels.windows import Windows
from normlab.layers.windows import windows
from reference import convolution as twin

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


def drawn(seed: int) -> tuple[Windows, tuple[int, int, int]]:
    """Return random windows, with a count of images, of inputs and of outputs."""
    rng = np.random.default_rng(seed)

    def pair(low: int, high: int) -> tuple[int, int]:
        return int(rng.integers(low, high)), int(rng.integers(low, high))

    while True:
        image, size, stride = pair(1, 13), pair(1, 6), pair(1, 5)
        padding = ("same", "valid", int(rng.integers(0, 7)))[rng.integers(3)]
        try:
            w = windows(image, size, stride, padding)  # type: ignore[arg-type]  # one of three
        except ShapeError:
            continue
        n_outputs = int(rng.integers(1, 7)) if rng.random() < 0.7 else int(rng.integers(8, 70))
        return w, (int(rng.integers(1, 8)), int(rng.integers(1, 7)), n_outputs)


def arrays(w: Windows, counts: tuple[int, int, int], dtype: str) -> tuple[Array, ...]:
    """Return x, weight, bias and dy."""
    n, n_inputs, n_outputs = counts
    rng = np.random.default_rng(1)
    shapes = [(n, *w.image, n_inputs), (*w.size, n_inputs, n_outputs), (n_outputs,)]
    shapes.append((n, *w.output, n_outputs))
    return tuple(rng.standard_normal(shape).astype(dtype) for shape in shapes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(60))
def test_convolution_is_its_loops(seed: int, dtype: str) -> None:
    w, counts = drawn(seed)
    x, weight, bias, dy = arrays(w, counts, dtype)
    dx, d_weight, d_bias = twin.backward(dy, x, weight, w)
    pairs = {
        "y": (kernel.forward(x, weight, bias, w), twin.forward(x, weight, bias, w)),
        "dx": (kernel.backward_input(dy, weight, w), dx),
        "d_weight": (kernel.backward_weight(dy, x, w), d_weight),
        "d_bias": (kernel.backward_bias(dy), d_bias),
    }
    for name, (found, expected) in pairs.items():
        assert found.dtype == dtype
        scale = TOLERANCE[dtype] * (1 + np.abs(expected).max())
        np.testing.assert_allclose(found, expected, rtol=0, atol=scale, err_msg=f"{name} {w}")


def everything(x: Array, weight: Array, dy: Array, w: Windows, n: int) -> list[bytes]:
    with threads(n):
        found = (
            kernel.forward(x, weight, None, w),
            kernel.backward_input(dy, weight, w),
            kernel.backward_weight(dy, x, w),
        )
    return [array.tobytes() for array in found]


@pytest.fixture
def _share_out_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "PARALLEL_PRODUCTS", 0)


@pytest.mark.usefixtures("_share_out_everything")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_one_thread_and_two_give_the_same_bits(stride: int, dtype: str) -> None:
    w = windows((14, 11), (5, 3), (stride, stride), "same")
    x, weight, _, dy = arrays(w, (23, 5, 37), dtype)
    assert everything(x, weight, dy, w, 1) == everything(x, weight, dy, w, 2)


def peak(work: Callable[[], object]) -> float:
    """Return the bytes that a call needs at its peak, its result among them.

    What compiled code allocates shows in residency only, which Linux alone tells.
    """
    work()  # compiled before
    before = begin_counting()
    if before is not None:
        work()
        return (resident("VmHWM") - before) * 1e6
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_no_pass_holds_the_matrix_of_all_windows() -> None:
    """Each needs its result, and little more: the matrix would be 25 times the images."""
    w = windows((14, 14), (5, 5), (1, 1), "same")
    x, weight, _, dy = arrays(w, (200, 32, 64), "float32")
    matrix, room = 25 * x.nbytes, x.nbytes // 2
    y = np.empty_like(dy)
    with threads(1):
        assert peak(lambda: kernel.forward(x, weight, None, w)) < y.nbytes + room
        assert peak(lambda: kernel.backward_input(dy, weight, w)) < x.nbytes + room
        assert peak(lambda: kernel.backward_weight(dy, x, w)) < weight.nbytes + room
    assert 3 * (y.nbytes + room) < matrix


def test_float32_sums_over_many_windows_stay_exact() -> None:
    """A million equal terms, one after the other in float32, would be off by a hundredth."""
    w = windows((256, 256), (1, 1), (1, 1), "valid")
    x, dy = np.full((16, 256, 256, 1), 0.1, "float32"), np.ones((16, 256, 256, 1), "float32")
    d_weight = kernel.backward_weight(dy, x, w)
    np.testing.assert_allclose(d_weight, x.sum(dtype=float), rtol=2e-5)


def test_canvases_hold_a_few_images_where_an_image_has_one_window() -> None:
    w = windows((64, 64), (64, 64), (1, 1), "valid")
    x, weight, _, dy = arrays(w, (256, 2, 1), "float32")
    for n in (1, 2):
        with threads(n):
            assert peak(lambda: kernel.forward(x, weight, None, w)) < x.nbytes / 2
            assert peak(lambda: kernel.backward_weight(dy, x, w)) < x.nbytes / 2


def test_several_threads_may_convolve_at_once() -> None:
    w = windows((14, 14), (5, 5), (1, 1), "same")
    x, weight, _, dy = arrays(w, (23, 5, 37), "float32")
    expected = everything(x, weight, dy, w, 1)
    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(lambda _: everything(x, weight, dy, w, 2), range(8)))
    assert found == [expected] * 8
