"""Traced functions and modules: they are run once on the examples, and stay Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from rushlight._tensor import Tensor
from rushlight.jit._script import (
    ScriptFunction,
    ScriptModule,
    TopLevelTracedModule,
    TracedModule,
    _scripted,
)
from rushlight.jit._state import _enabled, during, running
from rushlight.nn.modules.module import Module

__all__ = [
    "TopLevelTracedModule", "TracedModule", "TracerWarning", "TracingCheckError", "is_tracing",
    "script_if_tracing", "trace", "trace_module",
]  # fmt: skip


class TracerWarning(Warning):
    """What tracing warns of."""

    @staticmethod
    def ignore_lib_warnings() -> None:
        """Accepted: nothing is warned of."""


class TracingCheckError(Exception):
    """A traced function gave something else than the function itself."""


def is_tracing() -> bool:
    """Whether `trace` is running a function on its examples."""
    return running.tracing


def _tuple(inputs: Any) -> tuple[Any, ...]:
    if isinstance(inputs, Tensor | dict):
        return (inputs,)
    return inputs if isinstance(inputs, tuple) else tuple(inputs)


def _check(value: Any, strict: bool) -> None:
    """Refuse what a trace could not return in torch."""
    if value is None:
        raise RuntimeError(
            "The traced function didn't return any values! Side-effects are not captured in traces, so it would "
            "be a no-op."
        )
    if isinstance(value, list | dict) and strict:
        kind = "a dict" if isinstance(value, dict) else "a list"
        raise RuntimeError(
            f"Encountering {kind} at the output of the tracer might cause the trace to be incorrect, this is only "
            "valid if the container structure does not change based on the module's inputs. Consider using a "
            "constant container instead (e.g. for `list`, use a `tuple` instead. for `dict`, use a `NamedTuple` "
            "instead). If you absolutely need this and know the side effects, pass strict=False to trace() to "
            "allow this behavior."
        )
    if isinstance(value, tuple):
        for part in value:
            if part is not None:
                _check(part, strict)
    elif not isinstance(value, Tensor | list | dict):
        raise RuntimeError(
            "Only tensors, lists, tuples of tensors, or dictionary of tensors can be output from traced functions"
        )


def trace(
    func: Any,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    _force_outplace: bool = False,
    _module_class: Any = None,
    _compilation_unit: Any = None,
    example_kwarg_inputs: Mapping[str, Any] | None = None,
    _store_inputs: bool = True,
) -> Any:
    """A function or module as traced: it is run once on example_inputs, and stays the Python it is.

    In torch a trace repeats what it did on the examples; here it decides anew, and so gives what the function
    itself gives.

    >>> import rushlight as torch
    >>> torch.jit.trace(lambda x: x + 1, torch.ones(2))(torch.zeros(3))
    tensor([1., 1., 1.])
    """
    if not _enabled or isinstance(func, ScriptModule | ScriptFunction):
        return func
    args = () if example_kwarg_inputs is not None else _tuple(example_inputs)
    kwargs = dict(example_kwarg_inputs or {})
    if inspect.ismethod(func) and isinstance(func.__self__, Module) and func.__name__ == "forward":
        func = func.__self__
    with during(tracing=True, scripting=False):
        _check(func(*args, **kwargs), strict)
    if isinstance(func, Module):
        return _scripted(func, {}, TopLevelTracedModule)
    return ScriptFunction(func, scripting=False)


def trace_module(
    mod: Module, inputs: Mapping[str, Any], *args: Any, strict: bool = True, **options: Any
) -> Any:
    """A module as traced: each method that `inputs` names is run once on its example."""
    if not _enabled:
        return mod
    for name, example in inputs.items():
        method = mod if name == "forward" else getattr(mod, name)
        with during(tracing=True, scripting=False):
            result = method(**example) if isinstance(example, dict) else method(*_tuple(example))
        _check(result, strict)
    return _scripted(mod, {}, TopLevelTracedModule)


def script_if_tracing(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is scripted when it is called while something is traced."""

    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not running.tracing:
            return fn(*args, **kwargs)
        return ScriptFunction(fn)(*args, **kwargs)

    wrapper.__original_fn = fn  # type: ignore[attr-defined]
    wrapper.__script_if_tracing_wrapper = True  # type: ignore[attr-defined]
    return wrapper


_script_if_tracing = script_if_tracing


def _get_trace_graph(f: Any, args: Any = (), kwargs: Any = None, **_: Any) -> Any:
    """Raises NotImplementedError: there are no graphs of TorchScript."""
    raise NotImplementedError(
        "torch.jit._get_trace_graph gives a graph of TorchScript, which rushlight has not: torch.fx.symbolic_trace(f) "
        "gives one of Python, and torch.utils.flop_counter counts operations"
    )
