"""Learning: a network and a dataset in, a History out."""

from normlab.training.config import Recording, TrainingConfig
from normlab.training.history import History
from normlab.training.loop import Step, train
from normlab.training.losses import Loss, SoftmaxCrossEntropy, SquaredError
from normlab.training.metrics import accuracy, evaluate
from normlab.training.objective import objective
from normlab.training.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)
from normlab.training.probes.settings import Probes
from normlab.training.series import Series

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "History",
    "Loss",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "Probes",
    "RMSProp",
    "Recording",
    "Series",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "Step",
    "TrainingConfig",
    "accuracy",
    "evaluate",
    "objective",
    "train",
]
