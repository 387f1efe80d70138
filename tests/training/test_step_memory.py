"""What a training step of a convolutional network holds at once: never all windows of a batch."""

import tracemalloc
from pathlib import Path

import numpy as np

from normlab.kernels.threads import threads
from normlab.network import CNNSpec, build_cnn
from normlab.training import Adam, SoftmaxCrossEntropy, objective

ROWS = 50
UNFOLDED = ROWS * 14 * 14 * 5 * 5 * 32 * 4
"""Bytes of all windows on the inputs of the second convolution, in float32."""

BOUND = 32
"""Megabytes that README states."""

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_states_the_bound() -> None:
    assert f"less than {BOUND} MB" in README.read_text("utf-8")


def test_a_step_holds_little_beside_parameters_gradients_and_the_state_of_adam() -> None:
    rng = np.random.default_rng(0)
    network = build_cnn(CNNSpec(normalization="batch", dropout=0.5), rng=rng)
    x = rng.random((ROWS, 28, 28, 1), dtype=np.float32)
    target = rng.integers(0, 10, ROWS)
    optimizer, loss, parameters = Adam(), SoftmaxCrossEntropy(), network.parameters

    @threads()
    def step() -> None:
        result = objective(network, loss, x, target)
        optimizer.step(parameters, result.gradients)
        network.update_statistics(result.cache)

    step()  # makes Adam's state, and loads the kernels
    tracemalloc.start()
    try:
        step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    beyond = peak - sum(p.nbytes for p in parameters.values())  # as large as the gradients
    activations = ROWS * (28 * 28 * 32 + 14 * 14 * 64) * 4
    assert activations < beyond < BOUND * 1e6 < activations + UNFOLDED
