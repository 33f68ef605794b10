"""The arguments of a call as the signature of what is called has them."""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Callable
from typing import Any, NamedTuple, Union, get_args, get_origin

from rushlight.fx.naming import torch
from rushlight.nn.modules.module import Module

__all__ = [
    "ArgsKwargsPair", "check_for_mutable_operation", "create_type_hint", "get_signature_for_torch_op",
    "normalize_function", "normalize_module", "type_matches",
]  # fmt: skip


class ArgsKwargsPair(NamedTuple):
    """Positional and keyword arguments."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def get_signature_for_torch_op(op: Callable[..., Any], return_schemas: bool = False) -> Any:
    """The signatures of a function of torch, in a list; None if it has none."""
    try:
        found = [inspect.signature(op)]
    except (TypeError, ValueError):
        found = None
    return (found, None) if return_schemas else found


def check_for_mutable_operation(
    target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Raise an error if a function changes its arguments: it has `out=`, or an underscore at its end."""
    name = getattr(target, "__name__", "")
    in_place = name.endswith("_") and not name.endswith("__")
    if in_place or kwargs.get("out") is not None or target is operator.setitem:
        raise RuntimeError(
            f"Tried to trace mutable operation {name}. FX only supports functional code, so operations that "
            "mutate operands in-place (e.g. via `out` arguments) are not supported"
        )


def create_type_hint(x: Any) -> Any:
    """The type of a list or tuple of types, for annotations; x itself if it is neither."""
    if not isinstance(x, list | tuple):
        return x
    base: Any = x[0] if x else Any
    for kind in x[1:]:
        try:
            if not issubclass(kind, base):
                base = kind if issubclass(base, kind) else Any
        except TypeError:
            base = Any
    return list[base] if isinstance(x, list) else tuple[base, ...]


def type_matches(signature_type: Any, argument_type: Any) -> bool:
    """Whether an argument of one type can be given where another is written."""
    if signature_type is argument_type or signature_type is Any:
        return True
    origin = get_origin(signature_type)
    if origin in (types.UnionType, Union):
        return any(type_matches(part, argument_type) for part in get_args(signature_type))
    if origin is list:
        (element,) = get_args(signature_type)
        if argument_type is element is int:
            return True
        parts = [part for part in get_args(argument_type) if part is not ...]
        return get_origin(argument_type) in (list, tuple) and all(
            type_matches(element, part) for part in parts
        )
    if inspect.isclass(signature_type) and inspect.isclass(argument_type):
        return issubclass(argument_type, signature_type)
    return False


def normalize_function(
    target: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    arg_types: tuple[Any, ...] | None = None,
    kwarg_types: dict[str, Any] | None = None,
    normalize_to_only_use_kwargs: bool = False,
) -> ArgsKwargsPair | None:
    """The arguments as the function's signature has them, defaults filled in; None if it cannot be.

    With normalize_to_only_use_kwargs all are given by name.
    """
    try:
        signature = inspect.signature(inspect.unwrap(target))
    except (TypeError, ValueError):
        return None
    return _normalized(signature, args, kwargs or {}, normalize_to_only_use_kwargs)


def normalize_module(
    root: Any,
    target: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    normalize_to_only_use_kwargs: bool = False,
) -> ArgsKwargsPair | None:
    """The same for the call of one of torch's layers; None for other modules."""
    try:
        module: Module = root.get_submodule(target)
    except AttributeError as error:
        raise RuntimeError(
            f"Tried to normalize node with target {target} but root did not have that target!"
        ) from error
    if getattr(torch().nn, type(module).__name__, None) is not type(module):
        return None
    signature = inspect.signature(inspect.unwrap(module.forward))
    return _normalized(signature, args, kwargs or {}, normalize_to_only_use_kwargs)


def _normalized(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], only_kwargs: bool
) -> ArgsKwargsPair | None:
    ordinary = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if any(parameter.kind not in ordinary for parameter in signature.parameters.values()):
        return None
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    count = 0 if only_kwargs else len(args)
    names = list(signature.parameters)
    return ArgsKwargsPair(
        tuple(bound.arguments[name] for name in names[:count]),
        {name: bound.arguments[name] for name in names[count:]},
    )
