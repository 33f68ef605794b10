"""Batches shared out to devices, of which there is one: the CPU."""

from __future__ import annotations

from typing import Any

from rushlight.ops.joining import cat


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """The inputs, once for each device."""
    return [inputs for _ in target_gpus]


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Any, dim: int = 0) -> tuple[Any, Any]:
    """Arguments, once for each device."""
    return tuple(inputs for _ in target_gpus), tuple(kwargs or {} for _ in target_gpus)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """The outputs of all devices along a dimension."""
    first = outputs[0]
    if isinstance(first, dict):
        return type(first)((k, gather([o[k] for o in outputs], target_device, dim)) for k in first)
    if isinstance(first, list | tuple):
        return type(first)(gather(part, target_device, dim) for part in zip(*outputs, strict=True))
    return cat([o.reshape(1) if not o.ndim else o for o in outputs], dim)
