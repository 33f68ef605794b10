"""What torch calls a function or class: the names that graphs print and that generated code asks for.

A function of rushlight stands in a room of ops/, and torch's of the same name elsewhere; what torch shows is
where *it* has the function: `torch.relu`, `torch._C._nn.gelu`, `torch.functional.einsum`.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Callable
from functools import lru_cache
from typing import Any

# Where functions are looked for, from the first. What stands in several belongs to the earliest.
_PLACES = (
    *("functional", "", "nn.functional", "_C._linalg", "_C._fft", "_C._special", "_C._sparse"),
    "nn.init",
)
# The functions of nn.functional that torch has in C, in `torch._C._nn`.
_IN_C = (
    *(
        "avg_pool2d",
        "avg_pool3d",
        "elu_",
        "gelu",
        "hardtanh_",
        "leaky_relu_",
        "linear",
        "log_sigmoid",
    ),
    *("one_hot", "scaled_dot_product_attention", "softplus", "softshrink"),
)


def torch() -> Any:
    """The package itself, which stands above this room."""
    return importlib.import_module("rushlight")


def found(place: str) -> Any:
    """The module `torch.{place}`."""
    module = torch()
    for part in place.split(".") if place else ():
        module = getattr(module, part)
    return module


@lru_cache
def _table() -> dict[int, tuple[str, str]]:
    in_c = found("_C._nn")
    table = {id(getattr(in_c, name)): ("torch._C._nn", name) for name in _IN_C}
    for place in _PLACES:
        named = [(n, f) for n, f in vars(found(place)).items() if isinstance(f, types.FunctionType)]
        # Of two names in a place the function's own.
        for name, function in sorted(named, key=lambda pair: pair[0] != pair[1].__name__):
            table.setdefault(id(function), (f"torch.{place}".rstrip("."), name))
    return table


def place_and_name(function: Any) -> tuple[str, str] | None:
    """(module, name) of a function of torch's; None for others."""
    try:
        return _table().get(id(function))
    except AttributeError:  # while rushlight itself is still being imported
        return None


def name_of(function: Any) -> str:
    """What torch has as the function's `__name__`, which nodes are named after."""
    known = place_and_name(function)
    return known[1] if known else function.__name__


def module_of(thing: Any) -> str | None:
    """What torch has as the `__module__` of a class or function."""
    known = place_and_name(thing)
    if known:
        return known[0]
    module: str | None = getattr(thing, "__module__", None)
    if module is None or not is_ours(module):
        return module
    if isinstance(thing, type) and getattr(torch(), thing.__qualname__, None) is thing:
        return "torch"
    if module.startswith("rushlight.vision"):
        return module.replace("rushlight.vision", "torchvision", 1)
    return module.replace("rushlight", "torch", 1)


def is_ours(module: str) -> bool:
    """Whether a module is of this package, which may stand for torch and go by its names."""
    root = module.partition(".")[0]
    if root in ("torch", "torchvision"):
        return sys.modules.get("torch") is torch()
    return root == "rushlight"


def is_from_torch(thing: Any) -> bool:
    """Whether generated code can ask for it by its full name, with `torch` alone imported."""
    module = module_of(thing)
    if module is None:
        return False
    root, _, rest = module.partition(".")
    return root == "torch" and rest.partition(".")[0] not in ("_dynamo", "_inductor")


def qualified_name(function: Callable[..., Any]) -> str:
    """The name under which printed graphs show a function.

    >>> import operator
    >>> import rushlight as torch
    >>> qualified_name(torch.nn.functional.gelu), qualified_name(operator.add), qualified_name(len)
    ('torch._C._nn.gelu', '_operator.add', 'len')
    """
    name = name_of(function)
    if getattr(builtins, name, None) is function:
        return name
    if getattr(function, "__qualname__", None) == f"Tensor.{name}":
        return f"torch.Tensor.{name}"
    if name == "<lambda>":
        try:
            name = inspect.getsource(function).split("=")[0].strip()
        except Exception as error:
            raise RuntimeError("Unable to represent lambda") from error
    module = module_of(function)
    if module is None:
        raise RuntimeError(f"cannot find module for {function}")
    return f"{module.replace('torch._ops', 'torch.ops')}.{name}"


def type_text(kind: Any) -> str:
    """A type as annotations show it: short for builtins, `torch.Tensor`, `typing.List[int]`."""
    if isinstance(kind, type) and not isinstance(kind, types.GenericAlias):
        if kind.__module__ == "builtins":
            return kind.__qualname__
        return f"{module_of(kind)}.{kind.__qualname__}"
    if kind is ...:
        return "..."
    if isinstance(kind, types.FunctionType):
        return name_of(kind)
    text = repr(kind)
    if typing.get_args(kind) and "rushlight" in text:
        for part in _classes_in(kind):
            text = text.replace(f"{part.__module__}.{part.__qualname__}", type_text(part))
    return text


def _classes_in(kind: Any) -> set[type]:
    """The classes of this package that stand in a generic type."""
    inside = typing.get_args(kind)
    if not inside:
        return {kind} if isinstance(kind, type) and is_ours(kind.__module__) else set()
    return set().union(*map(_classes_in, inside))


def is_method(function: Callable[..., Any]) -> bool:
    """Whether a function is a method of Tensor."""
    return getattr(function, "__qualname__", "").startswith("Tensor.")
