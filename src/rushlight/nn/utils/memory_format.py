"""Memory formats of the weights of convolutions."""

from __future__ import annotations

from typing import Any, TypeVar

from rushlight.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from rushlight.nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Lay the weights of all two-dimensional convolutions of a module in this format; their values stay."""
    return _laid(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Lay the weights of all three-dimensional convolutions of a module in this format; their values stay."""
    return _laid(module, memory_format, (Conv3d, ConvTranspose3d))


def _laid(module: M, memory_format: Any, kinds: Any) -> M:
    for part in module.modules():
        if isinstance(part, kinds):
            part.weight.data = part.weight.data.clone(memory_format=memory_format)
    return module
