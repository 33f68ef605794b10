"""Logs for TensorBoard, in its own messages and files: `SummaryWriter`.

`pip install "rushlight[tensorboard]"` brings the package.
"""

from rushlight.utils.tensorboard.writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "SummaryWriter"]
