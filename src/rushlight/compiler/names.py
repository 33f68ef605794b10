"""The names of torch.compiler: what says how a function is to be compiled, and whether it is being.

What only advises a compiler gives back the function itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from rushlight._tensor import Tensor
from rushlight.absent import nothing as cudagraph_mark_step_begin
from rushlight.absent import nothing as load_cache_artifacts
from rushlight.absent import nothing as save_cache_artifacts
from rushlight.compiler.compile import BACKENDS, compile, reset
from rushlight.compiler.optimized import OptimizedModule
from rushlight.compiler.stance import (
    is_compiling,
    is_dynamo_compiling,
    is_exporting,
    not_compiled,
    set_stance,
)
from rushlight.nn.modules.module import Module
from rushlight.ops.creation import as_tensor

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
    "get_default_backend", "is_compiling", "is_dynamo_compiling", "is_exporting",
    "keep_portable_guards_unsafe", "keep_tensor_guards_unsafe", "list_backends", "load_cache_artifacts",
    "load_compiled_function", "nested_compile_region", "reset", "save_cache_artifacts", "set_default_backend",
    "set_enable_guard_collectives", "set_stance", "skip_all_guards_unsafe", "skip_guard_on_all_nn_modules_unsafe",
    "skip_guard_on_globals_unsafe", "skip_guard_on_inbuilt_nn_modules_unsafe", "substitute_in_graph", "wrap_numpy",
]  # fmt: skip

_SELDOM = BACKENDS - {"cudagraphs", "inductor", "openxla", "tvm"}
# What registered backends are said to be.
tagged: dict[str, tuple[str, ...]] = {}
_chosen = {"backend": "inductor", "collectives": False}


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function or module, which is never compiled; without one, a decorator that leaves functions so.

    What calls it inside of a compiled function is run eagerly, too.
    """
    if fn is None:
        return not_compiled
    if not callable(fn):
        raise AssertionError("fn must be callable")
    if isinstance(fn, Module):
        return OptimizedModule(fn, not_compiled)
    return fn if isinstance(fn, type) else not_compiled(fn)


def _same(fn: Any) -> Any:
    return fn


def allow_in_graph(fn: Any) -> Any:
    """The function, or functions, which a compiler may take as they are."""
    if isinstance(fn, list | tuple):
        return [allow_in_graph(f) for f in fn]
    if not callable(fn):
        raise AssertionError("allow_in_graph expects a callable")
    return fn


def assume_constant_result(fn: Any) -> Any:
    """The function, whose result a compiler may keep."""
    return fn


def nested_compile_region(fn: Any = None, *args: Any, **options: Any) -> Any:
    """The function, which a compiler may compile once for all its calls."""
    return _same if fn is None else fn


def substitute_in_graph(original_fn: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    """A decorator of what a compiler may take for original_fn."""
    return _same


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The names that `torch.compile` takes as backend: all of them are the one compiler that there is.

    exclude_tags: leave out what torch keeps for debugging, and what is not finished there.
    """
    left_out = set(exclude_tags or ())
    seldom = _SELDOM if left_out else frozenset()
    own = {name for name, tags in tagged.items() if not left_out & set(tags)}
    return sorted((BACKENDS - seldom) | own)


def get_default_backend() -> Any:
    """What `set_default_backend` was last given."""
    return _chosen["backend"]


def set_default_backend(backend: Any) -> None:
    """The backend for calls that name none."""
    _chosen["backend"] = backend


def set_enable_guard_collectives(enabled: bool) -> bool:
    """What was set before."""
    before, _chosen["collectives"] = _chosen["collectives"], enabled
    return bool(before)


def wrap_numpy(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays as a function of tensors.

    >>> import numpy as np, rushlight as torch
    >>> wrap_numpy(np.cumsum)(torch.tensor([1, 2]))
    tensor([1, 3])
    """

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return _to_tensors(
            fn(*map(_to_arrays, args), **{k: _to_arrays(v) for k, v in kwargs.items()})
        )

    return wrapped


def _to_arrays(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.numpy()
    return type(value)(map(_to_arrays, value)) if isinstance(value, list | tuple) else value


def _to_tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_to_tensors, value))
    return as_tensor(value) if hasattr(value, "dtype") else value


def load_compiled_function(*args: Any, **options: Any) -> NoReturn:
    """An error: compiled functions of torch's are not read."""
    raise NotImplementedError(
        "rushlight does not read functions that torch has compiled: compile anew"
    )


def _kept(guard_entries: Iterable[Any]) -> list[bool]:
    return [True for _ in guard_entries]


keep_portable_guards_unsafe = keep_tensor_guards_unsafe = _kept
skip_guard_on_inbuilt_nn_modules_unsafe = skip_guard_on_all_nn_modules_unsafe = _kept
skip_guard_on_globals_unsafe = skip_all_guards_unsafe = _kept
