"""What is kept of a function that is compiled for a backend, and what it sees when it begins."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from rushlight.compiler.recording.origin import OWN, origin, origin_of_file
from rushlight.nn.modules.module import Module


class Handed:
    """One graph, as the backend has compiled it."""

    def __init__(
        self, run: Callable[..., Any], fetch: list[Any], like: Any, symbols: set[str]
    ) -> None:
        self.run, self.fetch, self.like, self.symbols = run, fetch, like, symbols
        self.boxed = getattr(run, "_boxed_call", False)

    def __call__(self, given: list[Any]) -> Any:
        """The results."""
        return self.run(given) if self.boxed else self.run(*given)


class Place:
    """Where graphs begin: at the start of the function, or after a break; and those that do so."""

    def __init__(self) -> None:
        self.handed: list[Handed] = []
        # Sizes and numbers that were seen, by their sources; None where they change.
        self.seen: dict[str, Any] = {}
        # Whether what begins here is not written down.
        self.skipped = False


class Kept:
    """What is kept of the graphs of a piece of code, whoever compiles it for the same backend."""

    def __init__(self, code: Any, backend: Any) -> None:
        # Both are known by their addresses.
        self.code, self.backend = code, backend
        self.places: dict[Any, Place] = {}
        self.skipped = self.limited = False


_all: dict[tuple[int, int], Kept] = {}


def kept_of(function: Any, backend: Any) -> Kept:
    """What is kept of a function for a backend."""
    code = code_of(function)
    if code is nothing.__code__ or origin_of_file(code.co_filename) == OWN:
        return Kept(function, backend)
    return _all.setdefault((id(code), id(backend)), Kept(code, backend))


def forget_all() -> None:
    """Nothing has been compiled."""
    _all.clear()


def code_of(function: Any) -> CodeType:
    """The code of a function, or of the forward of the module that is called."""
    if isinstance(getattr(function, "__self__", None), Module):
        function = type(function.__self__).forward
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    return code if code is not None else nothing.__code__


def nothing(*args: Any, **kwargs: Any) -> None:
    """A function of C has no code of its own."""


def roots_of(function: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """What a function has under its names when it begins."""
    owner = getattr(function, "__self__", None)
    inner = getattr(function, "__func__", function)
    if isinstance(owner, Module) and inner in (Module.__call__, Module._call_impl):
        forward = type(owner).forward
        hooked = owner._forward_hooks or owner._forward_pre_hooks
        if origin(forward.__module__) == OWN or hooked:
            return {"fn": owner, "args": args, "kwargs": kwargs}
        inner = forward
    code = getattr(inner, "__code__", None)
    if code is None or (
        origin(getattr(inner, "__module__", None) or "__main__") == OWN and owner is None
    ):
        return {"fn": function, "args": args, "kwargs": kwargs}
    if owner is not None:
        args = (owner, *args)
    names = code.co_varnames[: code.co_argcount]
    found: dict[str, Any] = dict(zip(names, args, strict=False))
    rest = code.co_varnames[code.co_argcount :]
    only = rest[: code.co_kwonlyargcount]
    rest = rest[code.co_kwonlyargcount :]
    for name, value in kwargs.items():
        if name in names or name in only:
            found[name] = value
    if code.co_flags & 4:
        found[rest[0]], rest = tuple(args[len(names) :]), rest[1:]
    if code.co_flags & 8:
        found[rest[0]] = {k: v for k, v in kwargs.items() if k not in found}
    return found
