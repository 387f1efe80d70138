"""Wrong poolings, each with the law that catches it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layers import laws
from layers.cases import Case
from normlab.kernels.windows import Windows
from normlab.layers import AveragePool2D, MaxPool2D
from test_mutants import both_checks, caught_by

Array = NDArray[Any]


class Scattering(MaxPool2D):
    """The right backward in loops, one value of dy at a time; mutants put it elsewhere."""

    def backward(self, dy: Array, cache: Any) -> Any:
        w = cache.windows
        dx = np.zeros((len(dy), *w.image, dy.shape[3]), dy.dtype)
        for i, p, q, c in np.ndindex(*dy.shape):
            u, v = self.place(int(cache.winner[i, p, q, c]), w.size)
            row, column = p * w.stride[0] - w.before[0] + u, q * w.stride[1] - w.before[1] + v
            self.put(dy[i, p, q, c], dx, (i, row, column, c))
        return dx, {}

    def place(self, winner: int, size: tuple[int, int]) -> tuple[int, int]:
        return divmod(winner, size[1])

    def put(self, value: Any, dx: Array, cell: tuple[int, ...]) -> None:
        dx[cell] += value


class NotAccumulating(Scattering):
    """Where windows overlap, the gradient of the last takes the place of the others'."""

    def put(self, value: Any, dx: Array, cell: tuple[int, ...]) -> None:
        dx[cell] = value


class Twice(Scattering):
    """The winner takes its gradient twice."""

    def put(self, value: Any, dx: Array, cell: tuple[int, ...]) -> None:
        dx[cell] += 2 * value


class InTheNextImage(Scattering):
    """The gradient lands one image further on."""

    def put(self, value: Any, dx: Array, cell: tuple[int, ...]) -> None:
        dx[((cell[0] + 1) % len(dx), *cell[1:])] += value


class ColumnByColumn(Scattering):
    """The winner's number is read the other way round."""

    def place(self, winner: int, size: tuple[int, int]) -> tuple[int, int]:
        v, u = divmod(winner, size[0])
        return u, v


def share_inside(w: Windows) -> Array:
    """Return of each window the share of its cells that lies inside the image."""
    inside = [
        [sum(0 <= p * s - before + u < image for u in range(size)) / size for p in range(n)]
        for size, s, before, n, image in zip(*w, strict=True)
    ]
    return np.multiply.outer(*inside)[..., np.newaxis]


class PaddingCountedBackward(AveragePool2D):
    """Backward divides by the size of the window also where that reaches outside."""

    def backward(self, dy: Array, cache: Any) -> Any:
        return super().backward(dy * share_inside(cache.windows).astype(dy.dtype), cache)


class PaddingCounted(PaddingCountedBackward):
    """Forward does so too: padding counts as zeros."""

    def forward(self, x: Array, *, training: bool) -> Any:
        y, cache = super().forward(x, training=training)
        return y * share_inside(cache.windows).astype(y.dtype), cache


class ToAllEqual(MaxPool2D):
    """The gradient goes to every cell that is as great as the maximum, one window a cell."""

    def forward(self, x: Array, *, training: bool) -> Any:
        y, cache = super().forward(x, training=training)
        return y, cache._replace(winner=x == y.repeat(2, axis=1).repeat(2, axis=2))

    def backward(self, dy: Array, cache: Any) -> Any:
        return cache.winner * dy.repeat(2, axis=1).repeat(2, axis=2), {}


def pool_mutant(make: Any, size: Any, **options: Any) -> Case:
    return Case("mutant", lambda dtype: make(size, **options), (2, 4, 6, 2))


@both_checks
@pytest.mark.parametrize("make", [NotAccumulating, Twice, InTheNextImage, ColumnByColumn])
def test_a_wrong_gradient_of_maxima_fails_the_gradient_check(law: laws.Law, make: Any) -> None:
    assert caught_by(law, pool_mutant(make, 3, stride=1))


@both_checks
def test_a_gradient_that_is_not_accumulated_hides_where_no_windows_overlap(law: laws.Law) -> None:
    """That is why the table of cases holds overlapping windows."""
    assert not caught_by(law, pool_mutant(NotAccumulating, 2))


@both_checks
def test_an_average_that_counts_padding_backward_only_fails_the_gradient_check(
    law: laws.Law,
) -> None:
    assert caught_by(law, pool_mutant(PaddingCountedBackward, 2, padding=1))
    assert not caught_by(law, pool_mutant(PaddingCountedBackward, 2))


def ones_stay_ones(layer: AveragePool2D) -> bool:
    return bool(np.all(layer.forward(np.ones((1, 4, 6, 1)), training=True)[0] == 1))


def test_an_average_that_counts_padding_both_ways_is_caught_by_an_image_of_ones() -> None:
    assert not caught_by(
        laws.gradients_agree_element_by_element, pool_mutant(PaddingCounted, 2, padding=1)
    )
    assert not ones_stay_ones(PaddingCounted(2, padding=1))
    assert ones_stay_ones(AveragePool2D(2, padding=1))


def gradient_of_ties_adds_up(layer: MaxPool2D) -> bool:
    y, cache = layer.forward(np.ones((1, 4, 6, 1)), training=True)
    return float(layer.backward(np.ones_like(y), cache)[0].sum()) == float(y.size)


def test_a_gradient_to_every_tied_cell_is_caught_by_ties_alone() -> None:
    case = Case("mutant", lambda dtype: ToAllEqual(2), (2, 4, 6, 2))
    assert not caught_by(laws.gradients_agree_element_by_element, case)
    assert not gradient_of_ties_adds_up(ToAllEqual(2))
    assert gradient_of_ties_adds_up(MaxPool2D(2))


@both_checks
def test_the_loops_without_a_mistake_pass_the_gradient_check(law: laws.Law) -> None:
    assert not caught_by(law, pool_mutant(Scattering, (3, 2), stride=1))
