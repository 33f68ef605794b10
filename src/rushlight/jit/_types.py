"""Types of values, as TorchScript refines them."""

from __future__ import annotations

import builtins
import types
import typing
from typing import Any, Union, get_args, get_origin

__all__ = ["annotate", "isinstance"]

_NEED_PARTS = (typing.List, typing.Tuple, typing.Dict, typing.Optional, list, tuple, dict)  # noqa: UP006


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value; the type is for TorchScript."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether a value is of a type, inside of containers too.

    >>> import rushlight as torch
    >>> torch.jit.isinstance([1, 2], list[int]), torch.jit.isinstance({"a": 1}, dict[str, str])
    (True, False)
    """
    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, kind) for kind in target_type)
    origin, parts = get_origin(target_type), get_args(target_type)
    if not parts:
        if any(target_type is kind for kind in _NEED_PARTS) and target_type not in (
            list,
            tuple,
            dict,
        ):
            name = getattr(target_type, "_name", target_type)
            raise RuntimeError(
                f"Attempted to use {name} without a contained type. Please add a contained type, e.g. {name}[int]"
            )
        return target_type is Any or builtins.isinstance(obj, target_type)
    if origin in (Union, types.UnionType):
        return any(isinstance(obj, kind) for kind in parts)
    if not builtins.isinstance(obj, origin):
        return False
    if origin is list:
        return all(isinstance(item, parts[0]) for item in obj)
    if origin is dict:
        return all(isinstance(k, parts[0]) and isinstance(v, parts[1]) for k, v in obj.items())
    if origin is tuple:
        if len(parts) == 2 and parts[1] is ...:
            return all(isinstance(item, parts[0]) for item in obj)
        return len(obj) == len(parts) and all(map(isinstance, obj, parts))
    return True
