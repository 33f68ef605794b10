"""Events for TensorBoard, which shows how a training goes: `tensorboard --logdir runs`."""

from rushlight.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
