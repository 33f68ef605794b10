"""Switches of torch's fusers, of which there are none here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rushlight.errors import warn
from rushlight.jit._state import running

__all__ = [
    "enable_onednn_fusion", "fuser", "last_executed_optimized_graph", "onednn_fusion_enabled",
    "optimized_execution", "set_fusion_strategy", "strict_fusion",
]  # fmt: skip

_strategy: list[tuple[str, int]] = [("STATIC", 2), ("DYNAMIC", 10)]


@contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """Inside of it programs are optimised or not; they never are."""
    yield


@contextmanager
def fuser(name: str) -> Iterator[None]:
    """Inside of it a fuser is used: fuser0, fuser1, fuser2, fuser3 or none."""
    if name not in ("fuser0", "fuser1", "fuser2", "fuser3", "none"):
        raise Exception(f"unrecognized fuser option (name: {name})")
    yield


def set_fusion_strategy(strategy: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Set what is remembered as the strategy; gives the one before."""
    before, _strategy[:] = list(_strategy), strategy
    return before


def enable_onednn_fusion(enabled: bool) -> None:
    """Accepted, and without effect."""


def onednn_fusion_enabled() -> bool:
    """False: there is no oneDNN."""
    return False


def last_executed_optimized_graph() -> NoReturn:
    """An error: there are no optimised graphs."""
    raise RuntimeError("scripted programs run as Python here: there is no optimized graph")


class strict_fusion:
    """A block in which everything is to be fused; nothing is checked."""

    def __init__(self) -> None:
        if not running.scripting:
            warn("Only works in script mode")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass
