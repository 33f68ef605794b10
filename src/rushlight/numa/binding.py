"""How launched processes are bound to processors: asked for, and refused where it is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AffinityMode", "NumaOptions"]


class AffinityMode(StrEnum):
    """What a process is bound to."""

    NODE = "node"
    SOCKET = "socket"
    EXCLUSIVE = "exclusive"
    CORE_COMPLEX = "core-complex"


@dataclass(frozen=True)
class NumaOptions:
    """What is wanted for each process."""

    affinity_mode: AffinityMode
    should_fall_back_if_binding_fails: bool = False
