"""Whether new memory is filled, which makes the use of memory that nobody has written repeat itself."""

from __future__ import annotations

import sys
from types import ModuleType

from rushlight import settings


class _Room(ModuleType):
    @property
    def fill_uninitialized_memory(self) -> bool:
        """Whether it is, under `torch.use_deterministic_algorithms`."""
        return settings.fill_uninitialized_memory()

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, on: bool) -> None:
        if not isinstance(on, bool):
            raise RuntimeError(f"expected a bool, but got {type(on)}")
        settings.fill_uninitialized_memory(on)


sys.modules[__name__].__class__ = _Room
