"""Training without writing the loop: a Trainer, blocks, metrics, penalties, callbacks. Not in torch."""

from rushlight.training.blocks import Bias, Dense, Function, Net, Stack
from rushlight.training.callbacks import Callback, EarlyStopping, SaveBest
from rushlight.training.checkup import Checkup
from rushlight.training.history import History
from rushlight.training.metrics import Mean, Metric, accuracy, binary_accuracy, mae, mse, top_k
from rushlight.training.penalties import l1, l2
from rushlight.training.trainer import Trainer

__all__ = [
    "Bias",
    "Callback",
    "Checkup",
    "Dense",
    "EarlyStopping",
    "Function",
    "History",
    "Mean",
    "Metric",
    "Net",
    "SaveBest",
    "Stack",
    "Trainer",
    "accuracy",
    "binary_accuracy",
    "l1",
    "l2",
    "mae",
    "mse",
    "top_k",
]
