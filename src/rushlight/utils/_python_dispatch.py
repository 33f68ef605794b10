"""Modes under all operations, which rushlight has not: its own are `core.doors.Interpreter`."""

from __future__ import annotations

from typing import Any

from rushlight.absent import refused

TorchDispatchMode = refused(
    "TorchDispatchMode",
    "operations are not dispatched in C++ here; watch them with torch.overrides.TorchFunctionMode",
    __name__,
)
BaseTorchDispatchMode = TorchDispatchMode


def is_traceable_wrapper_subclass(t: Any) -> bool:
    """False: there are no such classes."""
    return False


def is_traceable_wrapper_subclass_type(t: Any) -> bool:
    """False: there are no such classes."""
    return False


def _get_current_dispatch_mode(*args: Any) -> None:
    return None


def _get_current_dispatch_mode_stack() -> list[Any]:
    return []


def return_and_correct_aliasing(func: Any, args: Any, kwargs: Any, out: Any) -> Any:
    """What an operation has returned."""
    return out
