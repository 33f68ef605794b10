"""Scripted functions and modules: torch's classes around programs that stay Python."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, NamedTuple, NoReturn

from rushlight.jit._state import _enabled, during
from rushlight.nn.modules.module import Module

__all__ = [
    "Attribute", "CompilationUnit", "RecursiveScriptClass", "RecursiveScriptModule", "ScriptFunction",
    "ScriptModule", "ScriptWarning", "interface", "script", "script_method",
]  # fmt: skip


class Error(Exception):
    """What TorchScript's interpreter raises."""


class ScriptWarning(Warning):
    """What scripting warns of."""


class Attribute(NamedTuple):
    """A value with its type, for attributes of scripted modules; here the value is taken out."""

    value: Any
    type: Any


def _no_torchscript(name: str) -> NoReturn:
    raise AttributeError(
        f"no {name}: scripted programs stay Python here, and there is no TorchScript of them. "
        "torch.fx.symbolic_trace gives graphs and code"
    )


class _Scripted:
    """What is saved as a script, and has no code of TorchScript."""

    @property
    def graph(self) -> Any:
        """Not there."""
        _no_torchscript("graph")

    @property
    def code(self) -> str:
        """Not there."""
        _no_torchscript("code")

    def save(self, f: Any, **options: Any) -> None:
        """`torch.jit.save`."""
        from rushlight.jit._serialization import save

        save(self, f)


class ScriptFunction(_Scripted):
    """A scripted or traced function; `is_scripting()` is true in it."""

    def __init__(self, function: Callable[..., Any], scripting: bool = True) -> None:
        update_wrapper(self, function)
        self._function, self._scripting = function, scripting

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result."""
        with during(scripting=self._scripting):
            return self._function(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self  # as a class attribute it is no method

    def __reduce__(self) -> tuple[Any, ...]:
        return ScriptFunction, (self._function, self._scripting)

    @property
    def name(self) -> str:
        """The function's name."""
        return re.sub("[<>]+", "_", getattr(self._function, "__name__", "")).rstrip("_")

    @property
    def qualified_name(self) -> str:
        """The function's full name, as torch writes it."""
        return f"__torch__.{self._function.__module__}.{self.name}"


class ScriptModule(_Scripted, Module):
    """A module that is scripted, or written to be."""

    def script_method_names(self) -> list[str]:
        """The methods that are called from outside."""
        return ["forward"]


class RecursiveScriptModule(ScriptModule):
    """A module that `script` or `trace` has made of another.

    It has the other's parameters, buffers and attributes, scripted modules in the place of its modules, and its
    methods, in which `is_scripting()` is true.
    """

    _plain_class: type[Module]
    _kind: type[RecursiveScriptModule]
    _scripting = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of forward, and of the hooks around it."""
        with during(scripting=self._scripting):
            return super().__call__(*args, **kwargs)

    @property
    def original_name(self) -> str:
        """The name of the class that was scripted."""
        return self._plain_class.__name__

    def extra_repr(self) -> str:
        """The name of the class that was scripted."""
        return f"original_name={self.original_name}"

    def _get_name(self) -> str:
        return "RecursiveScriptModule"

    def _plain(self) -> Module:
        """The module as it was."""
        plain: Module = object.__new__(self._plain_class)
        plain.__dict__.update(self.__dict__)
        plain.__dict__["_modules"] = {
            name: m._plain() if isinstance(m, RecursiveScriptModule) else m
            for name, m in self._modules.items()
        }
        return plain

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _scripted, (self._plain(), {}, self._kind)


# What holds the modules, parameters and hooks of a module, and is not shared with the scripted one.
_OWN = (
    *("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks"),
    *("_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks"),
)


class TracedModule(RecursiveScriptModule):
    """A module that `trace` has made of another; it goes by the other's name."""

    _scripting = False

    def _get_name(self) -> str:
        return self.original_name


class TopLevelTracedModule(TracedModule):
    """The module that was traced."""


def _scripted(module: Any, memo: dict[int, Any], kind: Any = RecursiveScriptModule) -> Any:
    if isinstance(module, RecursiveScriptModule) or module is None:
        return module
    if id(module) in memo:
        return memo[id(module)]
    plain = type(module)
    names = {
        "_plain_class": plain, "_kind": kind, "__module__": __name__, "__qualname__": kind.__name__,
    }  # fmt: skip
    cls: Any = type(kind.__name__, (kind, plain), names)
    made = memo[id(module)] = object.__new__(cls)
    made.__dict__.update(module.__dict__)
    for name in _OWN:
        if name in module.__dict__:
            made.__dict__[name] = module.__dict__[name].copy()
    for name, value in module.__dict__.items():
        if isinstance(value, Attribute):
            made.__dict__[name] = value.value
    children = module.__dict__.get("_modules", {})
    made.__dict__["_modules"] = {n: _scripted(m, memo, kind) for n, m in children.items()}
    return made


def script(
    obj: Any,
    optimize: Any = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> Any:
    """A function or module as scripted: it stays the Python it is, and gives the same.

    A module becomes a RecursiveScriptModule with the same parameters, a function a ScriptFunction, classes and
    containers are given back.

    >>> import rushlight as torch
    >>> torch.jit.script(torch.nn.Linear(2, 1))
    RecursiveScriptModule(original_name=Linear)
    """
    if not _enabled or isinstance(obj, ScriptFunction | ScriptModule):
        return obj
    if isinstance(obj, Module):
        return _scripted(obj, {})
    if inspect.isclass(obj):
        if issubclass(obj, Module):
            raise RuntimeError(
                f"Type '{obj}' cannot be compiled since it inherits from nn.Module, pass an instance instead"
            )
        return obj
    if isinstance(obj, list | dict):
        return obj
    if inspect.isfunction(obj) or inspect.ismethod(obj):
        if obj.__name__ == "<lambda>":
            raise RuntimeError(
                "Expected a single top-level function: give the lambda a name with `def`"
            )
        return ScriptFunction(obj)
    if type(obj).__module__ == "builtins":
        raise TypeError(f"{type(obj)} is a built-in class")
    return obj


def script_method(fn: Any) -> Any:
    """Mark a method of a ScriptModule."""
    return fn


def interface(obj: Any) -> Any:
    """Mark a class that describes the methods of others."""
    if not inspect.isclass(obj):
        raise RuntimeError("interface must be applied to a class")
    setattr(obj, "__torch_script_interface__", True)  # noqa: B010
    return obj


class RecursiveScriptClass:
    """An instance of a scripted class; here instances are of the class itself."""


class CompilationUnit:
    """Functions compiled from TorchScript's own source; there is no compiler for it here."""

    def __init__(self, lang: str | None = None, _frames_up: int = 0) -> None:
        if lang is not None:
            raise NotImplementedError(
                "CompilationUnit compiles TorchScript source, which rushlight cannot: write the functions in "
                "Python, and give them to torch.jit.script"
            )
