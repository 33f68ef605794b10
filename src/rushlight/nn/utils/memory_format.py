"""Memory formats of weights: accepted, since only NumPy's own strides are kept here."""

from __future__ import annotations

from typing import Any, TypeVar

from rushlight.nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """The module as it is: a hint about speed that does not change any value."""
    return module


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """The module as it is: a hint about speed that does not change any value."""
    return module
