"""torch.cpu: what programs ask of a device, answered for the processor."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rushlight.cpu import amp
from rushlight.cpu.streams import Event, Stream, StreamContext, current_stream, stream

__all__ = [
    "Event", "Stream", "StreamContext", "amp", "current_device", "current_stream", "device_count",
    "get_capabilities",
    "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """The name of the device in use: "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one device."""


def synchronize(device: Any = None) -> None:
    """Nothing: an operation that returns is done."""


def is_initialized() -> bool:
    """True."""
    return True


# What torch asks of an x86 processor, by the flag in Linux's /proc/cpuinfo where its name is another.
_FEATURES = {
    "aes": "aes", "amx_bf16": "amx_bf16", "amx_fp16": "amx_fp16", "amx_int8": "amx_int8", "amx_tile": "amx_tile",
    "avx": "avx", "avx2": "avx2", "avx512_bf16": "avx512_bf16", "avx512_bitalg": "avx512_bitalg",
    "avx512_bw": "avx512bw", "avx512_cd": "avx512cd", "avx512_dq": "avx512dq", "avx512_f": "avx512f",
    "avx512_fp16": "avx512_fp16", "avx512_ifma": "avx512ifma", "avx512_vbmi": "avx512vbmi",
    "avx512_vbmi2": "avx512_vbmi2", "avx512_vl": "avx512vl", "avx512_vnni": "avx512_vnni",
    "avx512_vpopcntdq": "avx512_vpopcntdq", "avx_vnni": "avx_vnni", "bmi": "bmi1", "bmi2": "bmi2",
    "clflush": "clflush", "clflushopt": "clflushopt", "clwb": "clwb", "f16c": "f16c", "fma3": "fma",
    "fma4": "fma4", "lzcnt": "abm", "mmx": "mmx", "movbe": "movbe", "popcnt": "popcnt", "sha": "sha_ni",
    "sse": "sse", "sse2": "sse2", "sse3": "pni", "sse4_1": "sse4_1", "sse4_2": "sse4_2", "ssse3": "ssse3",
    "vaes": "vaes", "vpclmulqdq": "vpclmulqdq",
}  # fmt: skip


@functools.cache
def get_capabilities() -> Mapping[str, Any]:
    """What the processor can do: instruction sets by name, as far as the system tells, and its cores."""
    import os
    import platform

    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = {word for line in file if line.startswith("flags") for word in line.split()}
    except OSError:
        flags = set()
    told: dict[str, Any] = (
        {name: flag in flags for name, flag in _FEATURES.items()} if flags else {}
    )
    told |= {"architecture": platform.machine(), "num_logical_cores": os.cpu_count() or 1}
    return MappingProxyType(told)


def _has(*features: str) -> bool:
    """Whether the processor has all of these."""
    return all(get_capabilities().get(feature, False) for feature in features)


_is_avx2_supported = functools.partial(_has, "avx2")
_is_avx512_supported = functools.partial(_has, "avx512_f", "avx512_vl", "avx512_bw", "avx512_dq")
_is_avx512_bf16_supported = functools.partial(_has, "avx512_bf16")
_is_vnni_supported = functools.partial(_has, "avx512_vnni")
_is_amx_fp16_supported = functools.partial(_has, "amx_fp16")
_is_amx_tile_supported = _init_amx = functools.partial(_has, "amx_tile")
