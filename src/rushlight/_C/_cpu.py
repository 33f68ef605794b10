"""torch._C._cpu: what the processor can do."""

from rushlight.cpu import _init_amx as _init_amx
from rushlight.cpu import get_capabilities as _get_cpu_capability

__all__ = ["_get_cpu_capability", "_init_amx"]
