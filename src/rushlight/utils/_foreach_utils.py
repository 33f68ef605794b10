"""Which tensors torch's optimizers step together: libraries of optimizers ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.optim.grouping import (
    _group_tensors_by_device_and_dtype as _group_tensors_by_device_and_dtype,
)


def _get_foreach_kernels_supported_devices() -> list[str]:
    """The devices on which torch prefers lists of tensors."""
    return ["cuda", "xpu", "mtia", "privateuseone"]


def _get_fused_kernels_supported_devices() -> list[str]:
    """The devices on which torch has optimizers in one kernel."""
    return ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]


def _device_has_foreach_support(device: Any) -> bool:
    """Whether a device is among the former; the CPU counts as well."""
    return device.type in (*_get_foreach_kernels_supported_devices(), "cpu")


def _has_foreach_support(tensors: Sequence[Any], device: Any) -> bool:
    """Whether all are tensors, and on such a device."""
    return _device_has_foreach_support(device) and all(
        t is None or isinstance(t, Tensor) for t in tensors
    )
