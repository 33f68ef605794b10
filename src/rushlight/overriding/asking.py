"""Who is asked in place of an operation, in which order, and what is said if nobody answers.

Asked are the modes, the innermost first, and then the arguments whose class has a `__torch_function__`
of its own: subclasses of Tensor, and objects that are no tensors ("duck types").
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from rushlight.core.tensor import TensorBase, result_class
from rushlight.core.turned import class_of
from rushlight.errors import warn_once

# Whether anybody is asked: everybody, modes alone, nobody.
ALL, MODES, NOBODY = range(3)


class Thread(threading.local):
    """Who is asked in this thread; a new one starts without modes."""

    asked: int = ALL
    modes: tuple[Any, ...] = ()


thread = Thread()


def disabled_torch_function(
    func: Callable[..., Any],
    types: Iterable[type],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """As `__torch_function__` of a class: its instances are treated as plain tensors.

    A class that answers may call it, as torch's own for parameters, and is not asked once more.
    """
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


class _Fewer:
    """A block in which fewer are asked."""

    limit: int

    def __enter__(self) -> Self:
        self.before = thread.asked
        thread.asked = max(self.before, self.limit)
        return self

    def __exit__(self, *exception: object) -> None:
        thread.asked = self.before


class DisableTorchFunctionSubclass(_Fewer):
    """A block in which the classes of arguments are not asked; modes are."""

    limit = MODES


class DisableTorchFunction(_Fewer):
    """A block in which nobody is asked."""

    limit = NOBODY


# ---- what a class does not see --------------------------------------------------------------------


def shield(cls: type[Any]) -> None:
    """Keep what the house stores in tensors, `_data_` and its kind, from a class's own `__getattribute__`."""
    for name, plain in (
        ("__getattribute__", object.__getattribute__),
        ("__setattr__", object.__setattr__),
    ):
        if name in cls.__dict__:
            setattr(cls, name, _shielded(cls.__dict__[name], plain))


def _shielded(theirs: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def asked(self: Any, name: str, *value: Any) -> Any:
        stored = name == "_grad" or (name[0] == "_" == name[-1] and name[:2] != "__")
        return (plain if stored else theirs)(self, name, *value)

    return asked


# ---- what the class Tensor answers ---------------------------------------------------------------

# The properties whose value stays what it is, as `grad`.
unconverted: set[Any] = set()


def torch_function(
    cls: type[Any],
    func: Callable[..., Any],
    types: Iterable[type],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """func(*args, **kwargs), the results of class cls, if it descends from all the types."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
    return result if func in unconverted else converted(result, cls)


def converted(result: Any, cls: type[Any]) -> Any:
    """The tensors of a result, in tuples and lists too, as instances of cls."""
    if isinstance(result, TensorBase):
        if cls is result_class() or isinstance(result, cls):
            return result
        return result.as_subclass(cls)  # type: ignore[attr-defined]
    if isinstance(result, tuple | list):
        return type(result)([converted(part, cls) for part in result])
    return result


def disabled_torch_dispatch(
    func: Callable[..., Any],
    types: Iterable[type],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """As `__torch_dispatch__` of a class: it has none."""
    return func(*args, **(kwargs or {}))


class Taker:
    """A mode that takes calls as they were made, before anything is spelled out: see `Public`."""

    def called(self, public: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the public function gives."""
        raise NotImplementedError


# ---- asking --------------------------------------------------------------------------------------


def answers(value: Any) -> bool:
    """Whether the class of value has a `__torch_function__` that is to be asked."""
    if isinstance(value, TensorBase):
        return value._spreads_
    function = getattr(type(value), "__torch_function__", None)
    return function is not None and function is not disabled_torch_function


_PLAIN = {int, float, bool, complex, str, type(None)}
_LISTS = {tuple, list}


def _insert(value: Any, found: list[Any]) -> None:
    """Put value, if it is the first of its class, before those whose classes it descends from."""
    cls = type(value)
    if any(type(other) is cls for other in found):
        return
    place = next((i for i, other in enumerate(found) if isinstance(value, type(other))), len(found))
    found.insert(place, value)


def overloaded(args: Sequence[Any], kwargs: dict[str, Any], tensors: bool = False) -> list[Any]:
    """The arguments that are asked, in that order; with tensors, plain ones among them."""
    found: list[Any] = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        cls = value.__class__
        if cls in _PLAIN:
            continue
        listed = isinstance(value, tuple | list) and (cls in _LISTS or not answers(value))
        for part in value if listed else (value,):
            if answers(part) or (tensors and type(part) is result_class()):
                _insert(part, found)
    return found


def ask(
    function: Any,
    name: str,
    found: Sequence[Any],
    types: tuple[type, ...],
    args: tuple[Any, ...],
    given: tuple[Any, ...],
    spelled: bool,
) -> Any:
    """What modes and classes make of function(*args); given holds its keyword arguments, if any."""
    modes = thread.modes if thread.asked != NOBODY else ()
    if modes:
        thread.modes = modes[:-1]
        try:
            result = modes[-1].__torch_function__(function, types, args, *given)
        finally:
            thread.modes = modes
        if result is not NotImplemented:
            return result
    for value in found:
        # Of a conjugated tensor the class that the program knows.
        owner = class_of(value) if isinstance(value, TensorBase) and value._turned_ else value
        method = owner.__torch_function__
        if getattr(method, "__self__", None) is value:
            warn_once(
                "Defining your `__torch_function__` as a plain method is deprecated and will be an error "
                "in future, please define it as a classmethod."
            )
        result = method(function, types, args, *given)
        if result is not NotImplemented:
            return result
    raise TypeError(_nobody(name, found, modes, spelled))


def _nobody(name: str, found: Sequence[Any], modes: tuple[Any, ...], spelled: bool) -> str:
    classes = [class_of(v) if isinstance(v, TensorBase) else type(v) for v in found]
    if spelled:
        # Methods that torch writes in Python are known by their file.
        name = name.replace("torch.Tensor.", "torch._tensor.")
        mode = f" nor in mode {modes[-1]}" if modes else ""
        return (
            f"no implementation found for '{name}' on types that implement __torch_function__: "
            f"{classes}{mode}"
        )
    lines = [f"  - mode object {modes[-1]!r}\n"] if modes else []
    lines += [f"  - tensor subclass {cls!r}\n" for cls in classes]
    return (
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned "
        f"NotImplemented:\n\n{''.join(lines)}\nFor more information, try re-running with "
        "TORCH_LOGS=not_implemented"
    )
