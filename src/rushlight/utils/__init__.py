"""Rooms beside the core, under torch's names."""

from rushlight.utils import data

__all__ = ["data"]
