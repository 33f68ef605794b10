"""The marks and types of torch.jit under the private place from which libraries take them.

>>> import rushlight as torch
>>> torch._jit_internal.is_scripting()
False
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Dict, Final, List, Optional, Tuple, Union  # noqa: UP035
from weakref import WeakKeyDictionary

from rushlight.jit._async import Future
from rushlight.jit._marks import (
    _drop,
    _overload,
    _overload_method,
    export,
    ignore,
    is_scripting,
    unused,
)

__all__ = [
    "Any", "BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "Dict", "Final", "Future", "List", "Optional",
    "Tuple", "Union", "_copy_to_script_wrapper", "_drop", "_overload", "_overload_method",
    "boolean_dispatch", "boolean_dispatched", "export", "ignore", "is_scripting", "unused",
]  # fmt: skip


class _BroadcastingList:
    """A list, or one item for all of it."""

    def __getitem__(self, kind: Any) -> None:
        return None


BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = _BroadcastingList()


# The functions that `boolean_dispatch` made, and between which they choose.
boolean_dispatched: WeakKeyDictionary[Callable[..., Any], dict[str, Any]] = WeakKeyDictionary()


def boolean_dispatch(
    arg_name: str,
    arg_index: int,
    default: bool,
    if_true: Callable[..., Any],
    if_false: Callable[..., Any],
    module_name: str,
    func_name: str,
) -> Callable[..., Any]:
    """One of two functions, by a boolean argument."""

    @wraps(if_false)
    def fn(*args: Any, **kwargs: Any) -> Any:
        chosen = kwargs.get(arg_name, args[arg_index] if arg_index < len(args) else default)
        return (if_true if chosen else if_false)(*args, **kwargs)

    fn.__module__, fn.__name__ = module_name, func_name
    boolean_dispatched[fn] = {
        "if_true": if_true,
        "if_false": if_false,
        "index": arg_index,
        "default": default,
        "arg_name": arg_name,
    }
    return fn


def _copy_to_script_wrapper(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself: what is scripted stays Python."""
    return fn
