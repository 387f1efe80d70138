"""What kernels compute follows from their source alone, not from how it was compiled."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from kernels.shapes import rows
from normlab.kernels import activations, batch_norm, losses, updates
from normlab.kernels.moments import moments

SHAPES = ((20, 10), (100, 30), (4, 6, 50))  # rows joined, rows with some left over, maps


def bits() -> list[str]:
    """All that normalization, optimizers, activations and softmax compute, to the bit."""
    arrays = []
    for shape in SHAPES:
        x, dy = rows(shape, "float32", seed=1, offset=3.0), rows(shape, "float32", seed=2)
        gamma = rows(shape[1:2], "float32", seed=3)
        found = moments(x)
        inv_std = batch_norm.inverse_std(found.var(), 1e-5)
        terms = batch_norm.terms(found.mean, inv_std, gamma, gamma, x.dtype)
        running_mean, running_var = np.full(shape[1], 0.3), np.full(shape[1], 1.7)
        given = running_mean, running_var, found.mean, found.M2, 0.1, found.count - 1
        batch_norm.move_running(*given)
        p, state = x.copy(), np.stack([np.abs(dy), dy * dy]).reshape(2, -1)
        numbers: Any = map(np.float32, (0.01, 0.1, 0.001, 0.1, 1e-8, 0.9))
        table = updates.new_table([p.size], [True])
        updates.apply(updates.adam, table, [p], [dy], state, *numbers)
        arrays += [found.mean, found.M2, terms, running_mean, running_var, p, state]
        arrays += batch_norm.backward_batch(dy, x, terms, relu=True)
        arrays.append(batch_norm.normalize(x, terms, relu=True))
        for activation in (activations.RELU, activations.SIGMOID, activations.TANH):
            y = activations.forward(activation, 3 * x - 9)
            arrays += [y, activations.backward(activation, dy, y)]
        outputs = 5 * dy.reshape(len(dy), -1)
        arrays.append(losses.cross_entropy_of_indices(outputs, np.arange(len(dy)) % 7)[1])
    return [array.tobytes().hex() for array in arrays]


def test_another_processor_gives_the_same_bits(tmp_path: Path) -> None:
    """One without wide vectors and without fused multiply-add, which rounds once instead of twice.

    So does a kernel that was just compiled, and the same one out of the cache.
    """
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, __file__]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == bits()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bits()))
