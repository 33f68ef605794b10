"""While a program is traced some functions are others: these are put in place, and taken out again."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple

from rushlight.fx.node import map_aggregate
from rushlight.fx.proxy import Proxy

# The names that programs want left whole, by the id of the globals they stand in.
_wrapped_fns_to_patch: dict[tuple[int, str], dict[str, Any]] = {}
# Methods that are left whole, by class.
_wrapped_methods_to_patch: list[tuple[type, str]] = []

_MISSING = object()


class _Patch(NamedTuple):
    """A name in a class or in globals, and what stood there before."""

    place: Any
    name: str
    before: Any
    after: Any

    def put(self, value: Any) -> None:
        if isinstance(self.place, type):
            setattr(self.place, self.name, value)
        elif value is _MISSING:
            del self.place[self.name]
        else:
            self.place[self.name] = value


class _Patcher:
    """The patches of one tracing."""

    def __init__(self) -> None:
        self.patches_made: list[_Patch] = []
        self.visited: set[int] = set()

    def patch(
        self, frame_dict: dict[str, Any], name: str, new_fn: Any, deduplicate: bool = True
    ) -> None:
        """Let a global be another until the end; a builtin is covered by a global."""
        new_fn.__fx_already_patched = deduplicate
        before = frame_dict.get(name, _MISSING)
        if before is _MISSING and not hasattr(builtins, name):
            raise KeyError(name)
        if not getattr(before, "__fx_already_patched", False):
            self._do(_Patch(frame_dict, name, before, new_fn))

    def patch_method(self, cls: type, name: str, new_fn: Any, deduplicate: bool = True) -> None:
        """Let a method be another until the end."""
        new_fn.__fx_already_patched = deduplicate
        before = getattr(cls, name)
        if not getattr(before, "__fx_already_patched", False):
            self._do(_Patch(cls, name, before, new_fn))

    def _do(self, patch: _Patch) -> None:
        self.patches_made.append(patch)
        patch.put(patch.after)

    def visit_once(self, thing: Any) -> bool:
        """Whether this is the first call with the thing."""
        first = id(thing) not in self.visited
        self.visited.add(id(thing))
        return first

    def revert_all_patches(self) -> None:
        """Undo all, the last first."""
        for patch in reversed(self.patches_made):
            patch.put(patch.before)

    def reapply_all_patches(self) -> None:
        """Do all again."""
        for patch in self.patches_made:
            patch.put(patch.after)


_active: list[_Patcher] = []


@contextmanager
def _new_patcher() -> Iterator[_Patcher]:
    patcher = _Patcher()
    _active.append(patcher)
    try:
        yield patcher
    finally:
        _active.pop()
        patcher.revert_all_patches()


@contextmanager
def _maybe_revert_all_patches() -> Iterator[None]:
    """Inside of it everything is as it was before the tracing."""
    patcher = _active[-1] if _active else None
    if patcher is not None:
        patcher.revert_all_patches()
    try:
        yield
    finally:
        if patcher is not None:
            patcher.reapply_all_patches()


def _find_proxy(*objects: Any) -> Proxy | None:
    found: list[Proxy] = []

    def look(x: Any) -> None:
        if isinstance(x, Proxy):
            found.append(x)

    map_aggregate(objects, look)
    return found[-1] if found else None


def _create_wrapped_func(orig_fn: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(orig_fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        """One node for the call, if there is a proxy among the arguments."""
        proxy = _find_proxy(args, kwargs)
        if proxy is None:
            return orig_fn(*args, **kwargs)
        result = proxy.tracer.create_proxy("call_function", orig_fn, args, kwargs)
        result.node.meta["is_wrapped"] = True
        return result

    return wrapped


def _create_wrapped_method(cls: type, name: str) -> Callable[..., Any]:
    orig_fn = getattr(cls, name)

    @wraps(orig_fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        """One node for the call, if there is a proxy among the arguments."""
        proxy = _find_proxy(args, kwargs)
        if proxy is None:
            return orig_fn(*args, **kwargs)
        return proxy.tracer.create_proxy("call_method", name, args, kwargs)

    return wrapped


def _patch_wrapped_functions(patcher: _Patcher) -> None:
    """Put the functions in place that programs want left whole."""
    for (_, name), frame_dict in list(_wrapped_fns_to_patch.items()):
        function = frame_dict.get(name, getattr(builtins, name, None))
        if function is not None:  # or the name has been deleted since
            patcher.patch(frame_dict, name, _create_wrapped_func(function))
    for cls, name in _wrapped_methods_to_patch:
        patcher.patch_method(cls, name, _create_wrapped_method(cls, name))


def _autowrap_check(patcher: _Patcher, frame_dict: dict[str, Any], function_ids: set[int]) -> None:
    """Leave whole what of these functions stands in the globals of a module that is traced."""
    if not patcher.visit_once(frame_dict):
        return
    for name, value in list(frame_dict.items()):
        if not name.startswith("_") and callable(value) and id(value) in function_ids:
            patcher.patch(frame_dict, name, _create_wrapped_func(value))


def public_functions(modules: tuple[ModuleType, ...]) -> set[int]:
    """The ids of the functions of modules."""
    return {
        id(value)
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value)
    }
