"""torch.overrides: classes, objects and modes that answer in place of torch's functions.

>>> import rushlight as torch
>>> class Counting(torch.overrides.TorchFunctionMode):
...     calls = 0
...     def __torch_function__(self, func, types, args=(), kwargs=None):
...         self.calls += 1
...         return func(*args, **(kwargs or {}))
>>> with Counting() as counting:
...     _ = torch.ones(2) + torch.ones(2)
>>> counting.calls
3
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, ParamSpec, Self, TypeVar

from rushlight.core.tensor import TensorBase, result_class
from rushlight.core.turned import class_of
from rushlight.errors import warn
from rushlight.nn import functional
from rushlight.overriding import asking
from rushlight.overriding.asking import ALL, NOBODY, thread
from rushlight.overriding.functions import enter, leave, records

__all__ = [
    "enable_reentrant_dispatch",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "redispatch_function",
    "resolve_name",
    "wrap_torch_function",
]

P = ParamSpec("P")
R = TypeVar("R")


# ---- for functions of libraries ------------------------------------------------------------------


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the arguments, or a mode, is to be asked in place of a function."""
    if thread.asked == NOBODY:
        return False
    return bool(thread.modes) or (
        thread.asked == ALL and any(asking.answers(value) for value in relevant_args)
    )


def has_torch_function_unary(argument: Any) -> bool:
    """`has_torch_function` of one argument."""
    return has_torch_function((argument,))


def has_torch_function_variadic(*arguments: Any) -> bool:
    """`has_torch_function` of arguments given one by one."""
    return has_torch_function(arguments)


def handle_torch_function(
    public_api: Callable[P, R], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What modes and the classes of the relevant arguments make of public_api(*args, **kwargs).

    To be called if `has_torch_function(relevant_args)`. A TypeError if all of them refuse.
    """
    found = _get_overloaded_args(relevant_args)
    types = tuple(map(_type, found))
    name = f"{public_api.__module__}.{public_api.__name__}"
    return asking.ask(public_api, name, found, types, args, (kwargs,), spelled=True)


def _type(value: Any) -> type:
    return class_of(value) if isinstance(value, TensorBase) else type(value)


def _get_overloaded_args(
    relevant_args: Iterable[Any], get_type_fn: Callable[[Any], type] | None = None
) -> list[Any]:
    """The arguments that are asked, one of each class, subclasses before the classes they descend from."""
    if thread.asked != ALL:
        return []
    kind: Callable[[Any], type] = _type if get_type_fn is None else get_type_fn
    found: list[Any] = []
    for value in relevant_args:
        cls = kind(value)
        function = getattr(cls, "__torch_function__", None)
        known = any(kind(other) is cls for other in found)
        if function is None or function is asking.disabled_torch_function or known:
            continue
        above = (i for i, other in enumerate(found) if issubclass(cls, kind(other)))
        found.insert(next(above, len(found)), value)
    return found


def wrap_torch_function(
    dispatcher: Callable[P, Iterable[Any]],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be overridden by the arguments that dispatcher, called with its arguments, gives."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether something is a tensor, or has a `__torch_function__`.

    >>> is_tensor_like([1.0])
    False
    """
    return isinstance(inp, TensorBase) or hasattr(inp, "__torch_function__")


@contextlib.contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """A block in which all are asked again, inside of a handler too."""
    before, thread.asked = thread.asked, ALL
    try:
        yield
    finally:
        thread.asked = before


def redispatch_function(
    func: Callable[..., Any],
    types: Iterable[type],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """func(*args, **kwargs) without asking for func itself; what it calls asks again.

    Functions of torch are one operation each: in them nobody is asked.
    """
    plain: Any = next((r.plain for r in records() if r.shown == func), None)
    return (plain or getattr(func, "__wrapped__", func))(*args, **(kwargs or {}))


# ---- modes ---------------------------------------------------------------------------------------


class TorchFunctionMode:
    """Asked for every public function and method while its block is open, the innermost first.

    A subclass defines `__torch_function__(self, func, types, args=(), kwargs=None)`, in which the mode
    itself is not asked.
    """

    inner: TorchFunctionMode

    def __init__(self) -> None:
        pass

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Self:
        enter(self)
        return self

    def __exit__(self, *exception: object) -> None:
        leave()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Self:
        """The mode, by an older name of its constructor."""
        warn("`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`")
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that lets every function do what it does."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return func(*args, **(kwargs or {}))


def _get_current_function_mode() -> Any:
    """The innermost mode of this thread; None without one."""
    return thread.modes[-1] if thread.modes else None


def _get_current_function_mode_stack() -> list[Any]:
    """The modes of this thread, the innermost last."""
    return list(thread.modes)


def _len_torch_function_stack() -> int:
    """How many modes there are in this thread."""
    return len(thread.modes)


def _push_mode(mode: Any) -> None:
    enter(mode)


def _pop_mode() -> Any:
    mode = thread.modes[-1]
    leave()
    return mode


@contextlib.contextmanager
def _pop_mode_temporarily() -> Iterator[Any]:
    mode = _pop_mode()
    try:
        yield mode
    finally:
        _push_mode(mode)


@contextlib.contextmanager
def _enable_torch_function() -> Iterator[None]:
    with enable_reentrant_dispatch():
        yield


# ---- what can be overridden ----------------------------------------------------------------------


def _namespaces() -> dict[str, Any]:
    import rushlight

    return {
        "torch": rushlight,
        "torch.functional": rushlight,
        "torch.nn.functional": functional,
        "torch.Tensor": result_class(),
        "torch.linalg": rushlight.linalg,
        "torch.fft": rushlight.fft,
        "torch.special": rushlight.special,
        "torch.nn.init": rushlight.nn.init,
        "torch.autograd": rushlight.autograd,
    }


@functools.cache
def _overridable() -> tuple[dict[Any, list[Any]], dict[Any, str]]:
    """The functions that ask, by namespace; and their names."""
    spaces = _namespaces()
    by_space: dict[Any, list[Any]] = {}
    names: dict[Any, str] = {}
    for record in records():
        place = record.name.rpartition(".")[0]
        function = record.shown
        if isinstance(function, FunctionType):
            own = function.__name__ if place == "torch.Tensor" else function.__qualname__
            label = f"{place}.{own}"
        else:
            label, place = record.name, place.rpartition(".")[0]
        if function not in names:
            names[function] = label
            by_space.setdefault(spaces.get(place, place), []).append(function)
    return by_space, names


def get_overridable_functions() -> dict[Any, list[Any]]:
    """The functions that ask `__torch_function__`, by the namespace where they stand."""
    return {space: list(functions) for space, functions in _overridable()[0].items()}


def resolve_name(f: Any) -> str | None:
    """The name of a function that can be overridden; None for any other.

    >>> import rushlight as torch
    >>> resolve_name(torch.Tensor.add)
    'torch.Tensor.add'
    """
    if any(cls.__name__ in ("OpOverload", "OpOverloadPacket") for cls in type(f).__mro__):
        return str(f)
    return _overridable()[1].get(f)


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function that was handed to `__torch_function__` is a method or property of Tensor."""
    name = _overridable()[1].get(func, "")
    return name.startswith("torch.Tensor.") or getattr(func, "__name__", "") == "__get__"


@functools.cache
def get_testing_overrides() -> dict[Any, Callable[..., Any]]:
    """For each function that can be overridden, one of the same parameters that gives -1."""
    return {record.shown: _dummy(record.plain) for record in records()}


def _dummy(function: Callable[..., Any]) -> Callable[..., Any]:
    def dummy(*args: Any, **kwargs: Any) -> int:
        return -1

    dummy.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return dummy


@functools.cache
def get_ignored_functions() -> set[Callable[..., Any]]:
    """The public functions that ask nobody: switches, questions, and what makes tensors of no tensor."""
    known = _overridable()[1]
    methods = [getattr(result_class(), name) for name in dir(result_class()) if name[0] != "_"]
    found: set[Callable[..., Any]] = set()
    found.update(m for m in methods if isinstance(m, FunctionType) and m not in known)
    for space in _namespaces().values():
        for name in getattr(space, "__all__", ()):
            value = getattr(space, name)
            if isinstance(value, FunctionType) and value not in known:
                found.add(value)
    return found


@functools.cache
def get_default_nowrap_functions() -> set[Any]:
    """The properties whose value stays of the class that it is."""
    records()
    return set(asking.unconverted)
