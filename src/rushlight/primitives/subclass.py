"""Subclasses of Tensor that programs define: what is computed from them is of their class.

Once there is such a class, an interpreter runs every primitive as usual and gives its results the
class of the inputs; until then nothing is asked. A class that sets `__torch_function__` to
`disabled_torch_function`, as Parameter does, stays outside: what is computed from it is a Tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rushlight.arrays import brought, is_foreign
from rushlight.core.doors import Interpreter
from rushlight.core.node import PrimitiveNode
from rushlight.core.row import Primitive
from rushlight.core.state import State, state
from rushlight.core.tensor import TensorBase
from rushlight.core.turned import class_of, held, turn


def disabled_torch_function(
    func: Callable[..., Any],
    types: Iterable[type],
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """As `__torch_function__` of a class: its instances are treated as plain tensors."""
    return func(*args, **(kwargs or {}))


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
    return of_class(func(*args, **(kwargs or {})), cls)


def admit(cls: type[Any]) -> None:
    """Let the results of operations on instances of cls be of it."""
    if "_turned" in cls.__dict__:
        return
    cls._spreads = cls.__torch_function__ is not disabled_torch_function
    if cls._spreads and not State.interpreters:
        _classes.stay()


def forget() -> None:
    """Ask nothing again, as if no program had defined a class: for tests, which share a process."""
    if State.interpreters:
        _classes.__exit__()
        State.interpreters = ()


def common_class(values: Iterable[Any]) -> type[Any] | None:
    """The class that results of an operation on values have; None for Tensor itself."""
    found: type[Any] | None = None
    for value in values:
        if isinstance(value, TensorBase) and value._spreads:
            cls = class_of(value)
            if found is None or (cls is not found and issubclass(cls, found)):
                found = cls
            elif not issubclass(found, cls):
                raise TypeError(
                    f"Multiple dispatch failed: no implementation for tensors of classes {found.__name__} "
                    f"and {cls.__name__} together; all __torch_function__ handlers returned NotImplemented"
                )
    return found


def of_class(result: Any, cls: type[Any] | None) -> Any:
    """New tensors, or a tuple or list of them, made instances of cls."""
    if cls is None:
        return result
    if isinstance(result, TensorBase):
        if not isinstance(result, cls):
            conjugated = result._turned
            result.__class__ = cls
            if conjugated:
                turn(result)
    elif isinstance(result, tuple | list):
        for part in result:
            of_class(part, cls)
    return result


def like(result: Any, source: TensorBase) -> Any:
    """A new tensor, of the class and of the library of arrays that results of operations on source have."""
    if is_foreign(memory := held(source)):
        result._data = brought(result._data, memory)
    return of_class(result, class_of(source)) if source._spreads else result


class _Classes(Interpreter):
    """Gives the results of operations the class of the operands."""

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a row, and give what it made its class."""
        out = super().apply(row, inputs, static)
        # What rules compute are plain tensors.
        if state.walk is not None and isinstance(state.walk.node, PrimitiveNode):
            return out
        return of_class(out, common_class(inputs))


_classes = _Classes()
