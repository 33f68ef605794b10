"""Rooms beside the core, under torch's names."""

from rushlight.later import later
from rushlight.utils import data

__all__ = ["checkpoint", "data", "dlpack"]

checkpoint = later("rushlight.utils.checkpoint")
dlpack = later("rushlight.utils.dlpack")
