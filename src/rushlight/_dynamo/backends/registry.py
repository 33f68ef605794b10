"""Backends of compiling by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rushlight.compiler.compile import BACKENDS, compile, registered
from rushlight.compiler.names import list_backends, tagged

__all__ = ["list_backends", "lookup_backend", "register_backend"]


def register_backend(
    compiler_fn: Any = None, name: str | None = None, tags: Sequence[str] = ()
) -> Any:
    """Let a function of a GraphModule and examples be the backend of that name; also a decorator."""
    if compiler_fn is None:
        return lambda fn: register_backend(fn, name, tags)
    if not callable(compiler_fn):
        raise AssertionError(f"compiler_fn must be callable, got {type(compiler_fn)}")
    name = name or compiler_fn.__name__
    if name in registered:
        raise AssertionError(f"duplicate name: {name}")
    registered[name] = compiler_fn
    tagged[name] = tuple(tags)
    return compiler_fn


def lookup_backend(compiler_fn: Any) -> Any:
    """The function of that name, to be called with a GraphModule and examples; a function itself."""
    if not isinstance(compiler_fn, str):
        return compiler_fn
    if compiler_fn in registered:
        return registered[compiler_fn]
    if compiler_fn not in BACKENDS:
        from rushlight._dynamo.exc import InvalidBackend

        raise InvalidBackend(compiler_fn)
    return _BY_NAME.get(compiler_fn, inductor)


def eager(gm: Any, fake_tensor_inputs: Any, **kwargs: Any) -> Callable[..., Any]:
    """The graph as it is."""
    return gm.forward


def aot_eager(gm: Any, fake_tensor_inputs: Any, **kwargs: Any) -> Callable[..., Any]:
    """The graph as it is: its derivative is on the tape."""
    return gm.forward


def inductor(gm: Any, example_inputs: Any, **kwargs: Any) -> Callable[..., Any]:
    """The graph as C."""
    return compile(gm.forward)


_BY_NAME: dict[str, Any] = {name: eager for name in ("eager", "eager_noexcept", "eager_debug")} | {
    name: aot_eager for name in BACKENDS if name.startswith(("aot_eager", "pre_dispatch_eager"))
}
