"""Steps of training: of layers in turn, or many of them in one compiled call."""

from contextlib import nullcontext
from math import isfinite

from normlab._typing import IntArray, Parameters
from normlab.data import Dataset
from normlab.kernels.dense import FEWEST_ROWS
from normlab.network import Network
from normlab.network.chain_data import ChainData, ChainSteps
from normlab.training.config import TrainingConfig
from normlab.training.objective import objective
from normlab.training.optimizers import Optimizer
from normlab.training.probes.prober import Prober

MOST_STEPS, MOST_MULTIPLICATIONS = 1000, 3 * 10**9
"""Those of a compiled call: about a tenth of a second, for which Ctrl-C waits."""


class StepsInTurn:
    """Computes layer by layer, and lets probes watch."""

    most = 1

    def __init__(
        self,
        network: Network,
        data: Dataset,
        config: TrainingConfig,
        optimizer: Optimizer,
        prober: Prober,
    ) -> None:
        self.network, self.data, self.config, self.prober = network, data, config, prober
        self.optimizer, self.loss = optimizer, config.make_loss()
        self.parameters = network.parameters

    def take(self, first: int, batches: IntArray) -> list[float]:
        """Take step number ``first``, on the one batch of row numbers.

        Returns the objective before the step. Where it is not finite, training has diverged, and
        the step is not taken.
        """
        (rows,) = batches
        network, probed = self.network, first in self.prober.due
        x = self.data.x_train[rows].astype(network.dtype, copy=False)
        decay = self.config.weight_decay
        result = objective(network, self.loss, x, self.data.y_train[rows], decay, watched=probed)
        if isfinite(result.value):
            with self.prober.watching(first, x, result) if probed else nullcontext():
                self.optimizer.step(self.parameters, result.gradients)
            network.update_statistics(result.cache)
        return [result.value]


class CompiledSteps:
    """Takes all steps in one compiled call."""

    def __init__(self, steps: ChainSteps, parameters: Parameters, optimizer: Optimizer) -> None:
        self.optimizer, self._steps = optimizer, steps
        self._update = optimizer.compiled_for(parameters, steps.gradients)
        at_most = min(MOST_STEPS, 1 + MOST_MULTIPLICATIONS // steps.multiplications)
        self.most = at_most if steps.may_be_many else 1

    def take(self, first: int, batches: IntArray) -> list[float]:
        """Take the steps from number ``first`` on, each on a batch of row numbers.

        Returns the objective before each. Where it is not finite, no more are taken.
        """
        return self._steps.take(batches, self._update, self.optimizer.numbers(len(batches)))


def compiled_steps(
    network: Network, at_once: ChainData | None, config: TrainingConfig, optimizer: Optimizer
) -> CompiledSteps | None:
    """Return them, or None where something in the training needs the layers in turn."""
    simple = config.batch_size >= FEWEST_ROWS and config.weight_decay == 0
    if not simple or at_once is None or not at_once.chain.is_writeable():
        return None
    steps = ChainSteps(at_once, config.batch_size)
    return CompiledSteps(steps, network.parameters, optimizer)
