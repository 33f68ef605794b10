"""Backends of compiling by name."""

from __future__ import annotations

from typing import Any

from rushlight.compiler.names import list_backends

__all__ = ["list_backends", "lookup_backend", "register_backend"]


def register_backend(compiler_fn: Any = None, name: str | None = None, tags: Any = ()) -> Any:
    """Accepted: a decorator of backends, which are not asked."""
    return register_backend if compiler_fn is None else compiler_fn


def lookup_backend(compiler_fn: Any) -> Any:
    """The backend itself, or an error for a name."""
    if isinstance(compiler_fn, str):
        raise NotImplementedError(
            f"rushlight compiles itself: there is no backend {compiler_fn!r} to call"
        )
    return compiler_fn
