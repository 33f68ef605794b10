"""Logs for TensorBoard, written without it: `SummaryWriter`."""

from rushlight.utils.tensorboard.events import EventFile
from rushlight.utils.tensorboard.writer import SummaryWriter

__all__ = ["EventFile", "SummaryWriter"]
