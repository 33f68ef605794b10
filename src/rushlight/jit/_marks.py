"""The marks that tell TorchScript what to compile; here they mark, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rushlight.jit._state import running

__all__ = ["Final", "export", "ignore", "is_scripting", "unused"]

UNUSED = "unused (ignored and replaced with raising of an exception)"
IGNORE = "ignore (leave as a call to Python, cannot be torch.jit.save'd)"
EXPORT = "export (compile this function even if nothing calls it)"
_DROP = "_drop (function is fully ignored, declaration can be unscriptable)"


def is_scripting() -> bool:
    """Whether a scripted function or module is running."""
    return running.scripting


def _marked(fn: Any, mark: str) -> Any:
    fn._torchscript_modifier = mark
    return fn


def export(fn: Any) -> Any:
    """Mark a method that is called from outside of a scripted module."""
    return _marked(fn, EXPORT)


def unused(fn: Any) -> Any:
    """Mark a method that a scripted module does not call."""
    if isinstance(fn, property):
        for function in (fn.fget, fn.fset):
            if function is not None:
                _marked(function, UNUSED)
        return fn
    return _marked(fn, UNUSED)


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a function that stays Python; a decorator with or without arguments."""
    if callable(drop):
        return _marked(drop, IGNORE)
    if not isinstance(drop, bool):
        raise RuntimeError(
            f"Argument to @torch.jit.ignore must be a bool or a function but got {drop}"
        )
    return lambda fn: _marked(fn, UNUSED if drop else IGNORE)


def _drop(fn: Any) -> Any:
    return _marked(fn, _DROP)


def _overload(func: Callable[..., Any]) -> Callable[..., Any]:
    """The declaration of one of several signatures; the function that follows has the body."""
    return func


_overload_method = _overload


def _copy_to_script_wrapper(fn: Any) -> Any:
    """Mark a method that is not compiled but taken along."""
    return _marked(
        fn, "if this method is not scripted, copy the python method onto the scripted model"
    )


class _IgnoreContextManager:
    """A block that TorchScript leaves to Python."""

    def __init__(self, **kwargs: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass
