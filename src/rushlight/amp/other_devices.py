"""Autocast for devices that are not here, by the names of its first years."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.amp.autocast_mode import _deprecated


def is_autocast_ipu_enabled() -> bool:
    """`is_autocast_enabled("ipu")`: False."""
    _deprecated("is_autocast_ipu_enabled()", "is_autocast_enabled('ipu')")
    return False


def is_autocast_xla_enabled() -> bool:
    """`is_autocast_enabled("xla")`: False."""
    _deprecated("is_autocast_xla_enabled()", "is_autocast_enabled('xla')")
    return False


def get_autocast_ipu_dtype() -> Any:
    """`get_autocast_dtype("ipu")`: float16."""
    _deprecated("get_autocast_ipu_dtype()", "get_autocast_dtype('ipu')")
    return dtypes.float16


def get_autocast_xla_dtype() -> Any:
    """`get_autocast_dtype("xla")`: bfloat16."""
    _deprecated("get_autocast_xla_dtype()", "get_autocast_dtype('xla')")
    return dtypes.bfloat16
