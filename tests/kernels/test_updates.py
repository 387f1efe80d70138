"""The compiled steps of the optimizers against their twins, number by number."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from kernels.shapes import Array, rows
from normlab.kernels import updates
from normlab.kernels.threads import n_threads, threads
from normlab.training import Adam, AdamW
from reference import updates as twin

STEPS, SIZE = 6, 7
TOLERANCE = {"float32": 2e-6, "float64": 1e-14}

Kernel = Callable[..., None]


def take(kernel: Kernel, p: Array, g: Array, state: Array, *numbers: Any) -> None:
    """Take a step with one parameter."""
    updates.apply(kernel, updates.new_table([p.size], [False]), [p], [g], state, *numbers)


def walk(
    kernel: Kernel, n_states: int, constants: Callable[[int], tuple[float, ...]], dtype: str
) -> Array:
    """Take six steps from zero state with the constants of each step."""
    scalar = np.dtype(dtype).type
    p, gradients = rows((SIZE,), dtype, seed=1), rows((STEPS, SIZE), dtype, seed=2)
    state = np.zeros((n_states, SIZE), dtype)
    for t in range(1, STEPS + 1):
        take(kernel, p, gradients[t - 1], state, *map(scalar, constants(t)))
    assert p.dtype == dtype
    return p


def expected(function: Callable[..., float], constants: dict[str, float], dtype: str) -> Array:
    p, gradients = rows((SIZE,), dtype, seed=1), rows((STEPS, SIZE), dtype, seed=2)
    columns = gradients.T.tolist()
    return np.array([function(v, g, **constants) for v, g in zip(p.tolist(), columns, strict=True)])


CASES: list[tuple[Kernel, int, Callable[..., float], dict[str, float]]] = [
    (updates.sgd, 0, twin.sgd, {"lr": 0.1}),
    (updates.momentum, 1, twin.momentum, {"lr": 0.1, "mu": 0.9}),
    (updates.nesterov, 1, twin.nesterov, {"lr": 0.1, "mu": 0.9}),
    (updates.adagrad, 1, twin.adagrad, {"lr": 0.1, "eps": 1e-3}),
    (updates.rmsprop, 1, twin.rmsprop, {"lr": 0.1, "new": 0.2, "eps": 1e-3}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "n_states", "slow", "constants"), CASES)
def test_six_steps_are_those_of_the_twin(
    kernel: Kernel, n_states: int, slow: Any, constants: dict[str, float], dtype: str
) -> None:
    found = walk(kernel, n_states, lambda t: tuple(constants.values()), dtype)
    np.testing.assert_allclose(
        found, expected(slow, constants, dtype), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_six_steps_of_adam_are_those_of_the_twin(dtype: str) -> None:
    lr, beta1, beta2, eps = 0.1, 0.7, 0.8, 1e-3
    found = walk(
        updates.adam,
        2,
        lambda t: (lr / (1 - beta1**t), 1 - beta1, 1 - beta2, 1 / (1 - beta2**t), eps, 1),
        dtype,
    )
    constants = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
    np.testing.assert_allclose(
        found, expected(twin.adam, constants, dtype), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


@pytest.mark.parametrize("make", [Adam, AdamW])
def test_whole_optimizers_give_the_steps_and_corrections_that_the_twin_has(make: Any) -> None:
    optimizer = make(0.1, beta1=0.7, beta2=0.8, eps=1e-3)
    constants = {"lr": 0.1, "beta1": 0.7, "beta2": 0.8, "eps": 1e-3}
    constants["weight_decay"] = getattr(optimizer, "weight_decay", 0.0)
    p, gradients = rows((SIZE,), "float64", seed=1), rows((STEPS, SIZE), "float64", seed=2)
    for gradient in gradients:
        optimizer.step({"0.weight": p}, {"0.weight": gradient})
    np.testing.assert_allclose(p, expected(twin.adam, constants, "float64"), rtol=1e-13)


def test_an_update_leaves_the_gradient_as_it_is() -> None:
    g = rows((SIZE,), "float64", seed=1)
    before = g.tobytes()
    numbers = 0.1, 0.9, 0.999, 0.5, 1e-8, 1.0
    take(updates.adam, np.ones(SIZE), g, np.zeros((2, SIZE)), *numbers)
    assert g.tobytes() == before


DECAYING: list[tuple[Kernel, int, tuple[float, ...]]] = [
    (updates.momentum, 1, (0.1, 0.9)),
    (updates.nesterov, 1, (0.1, 0.9)),
    (updates.rmsprop, 1, (0.1, 0.1, 1e-3)),
    (updates.adam, 2, (0.1, 0.1, 0.1, 1.0, 1e-3, 1.0)),
]
every_decay = pytest.mark.parametrize(("kernel", "n_states", "constants"), DECAYING)
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


@both_dtypes
@every_decay
def test_where_the_gradient_has_become_0_the_state_ends_at_0(
    kernel: Kernel, n_states: int, constants: tuple[float, ...], dtype: str
) -> None:
    """Not among the denormal numbers, where a factor of 0.9 rounds to itself."""
    scalars = [np.dtype(dtype).type(constant) for constant in constants]
    p, g = rows((SIZE,), dtype, seed=1), rows((SIZE,), dtype, seed=2)
    state = np.zeros((n_states, SIZE), dtype)
    take(kernel, p, g, state, *scalars)
    assert np.all(state != 0)
    for _ in range(1000 if dtype == "float32" else 7000):
        take(kernel, p, np.zeros(SIZE, dtype), state, *scalars)
    assert not np.any(state)
    assert np.all(np.isfinite(p))


@both_dtypes
def test_denormal_is_what_lies_below_the_least_normal_number(dtype: str) -> None:
    least = np.finfo(dtype).tiny
    below = np.nextafter(least, np.dtype(dtype).type(0))
    v = np.array([[least, -least, below, -below, 0, np.inf, np.nan]], dtype)
    kept = np.array([[least, -least, 0, 0, 0, np.inf, np.nan]], dtype)
    g, one = np.zeros(v.size, dtype), np.dtype(dtype).type(1)
    take(updates.momentum, np.zeros(v.size, dtype), g, v, one, one)
    np.testing.assert_array_equal(v, kept)


@both_dtypes
@every_decay
def test_a_gradient_of_nan_is_seen_in_state_and_parameter(
    kernel: Kernel, n_states: int, constants: tuple[float, ...], dtype: str
) -> None:
    p, g = np.ones(3, dtype), np.array([1, np.nan, 1], dtype)
    state = np.zeros((n_states, 3), dtype)
    take(kernel, p, g, state, *map(np.dtype(dtype).type, constants))
    for array in (p, *state):
        assert np.isnan(array).tolist() == [False, True, False]


SIZES = (7, 60_000, 0, 1, 33, 250_001, 100)
"""Enough for two threads, which cut them anywhere."""

ALL_KERNELS: list[tuple[Kernel, int, tuple[float, ...]]] = [
    *DECAYING,
    (updates.sgd, 0, (0.1,)),
    (updates.adagrad, 1, (0.1, 1e-3)),
    (updates.adam, 2, (0.1, 0.1, 0.1, 1.0, 1e-3, 0.9)),
]


def after_two_steps(
    which: Sequence[int], kernel: Kernel, n_states: int, numbers: Sequence[Any]
) -> list[tuple[bytes, bytes]]:
    """Return each of these parameters and its state."""
    sizes, dtype = [SIZES[i] for i in which], numbers[0].dtype.name
    table = updates.new_table(sizes, [i % 2 == 1 for i in which])
    parameters, gradients = (
        [rows((SIZES[i],), dtype, seed=seed + i) for i in which] for seed in (10, 20)
    )
    state = np.zeros((n_states, sum(sizes)), dtype)
    for _ in range(2):
        updates.apply(kernel, table, parameters, gradients, state, *numbers)
    own = np.split(state, table[1:, updates.START], axis=1)
    return [(p.tobytes(), part.tobytes()) for p, part in zip(parameters, own, strict=True)]


@both_dtypes
@pytest.mark.parametrize(("kernel", "n_states", "constants"), ALL_KERNELS)
def test_many_parameters_at_once_get_the_bits_of_one_by_one_on_any_number_of_threads(
    kernel: Kernel, n_states: int, constants: tuple[float, ...], dtype: str
) -> None:
    rule = kernel, n_states, [np.dtype(dtype).type(constant) for constant in constants]
    one_by_one = [after_two_steps([i], *rule)[0] for i in range(len(SIZES))]
    for n in {1, min(2, n_threads())}:
        with threads(n):
            assert after_two_steps(range(len(SIZES)), *rule) == one_by_one
