"""`__torch_dispatch__`: who is asked below autograd, for each operator of ATen that a program runs.

A mode, and the classes that answer there, are interpreters at the doors. What a row is to ATen is said in
`compiler/graphs/rows`, where `make_fx` has it from; the tape records the row as ever, so whoever answers
has no derivative to think of. Asked are modes, the innermost first, then the classes of arguments.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from rushlight.core import doors
from rushlight.core.state import State, state
from rushlight.core.tape import attach
from rushlight.core.tensor import ORDINARY, SEVERAL, Array, TensorBase, wants_grad
from rushlight.core.turned import held, take_memory
from rushlight.outline import Outline


class Wrapping(Outline):
    """What a tensor stands on that only wraps others: a geometry, and whose it is."""

    __slots__ = ("cls", "own")

    # The class of the tensor, and what the program keeps on it: a gradient may need it when it is gone.
    cls: type[Any]
    own: dict[str, Any]

    def refuse(self) -> NotImplementedError:
        """The error for whoever wants to see the elements."""
        return NotImplementedError(
            f"{self.cls.__name__} has no memory of its own: what reads its elements is no operator that its "
            "__torch_dispatch__ is asked for. Read those of the tensors that it wraps"
        )


class _Thread(threading.local):
    """The operator that the next row is, as it was called by name."""

    called: Any = None


_thread = _Thread()


def tensors_in(values: Iterable[Any]) -> Iterator[TensorBase]:
    """The tensors among values, those in lists among them."""
    for value in values:
        if isinstance(value, TensorBase):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def _answers(tensor: TensorBase) -> bool:
    return tensor._dispatches_ or isinstance(held(tensor), Wrapping)


def itself(value: Any) -> Any:
    """The tensor as the program knows it, where the tape has kept its array alone."""
    if not isinstance(value, TensorBase) or value._dispatches_:
        return value
    array: Any = held(value)
    if array.__class__ is not Wrapping:
        return value
    twin = _second(value, array.cls)
    twin.__dict__.update(array.own)
    return twin


def _second(tensor: TensorBase, cls: type[Any]) -> Any:
    """Another tensor on the same memory, outside the graph."""
    twin = object.__new__(cls)
    take_memory(twin, tensor)
    twin._node_, twin._requires_grad_, twin._grad = None, False, None
    twin._changes_, twin._view_ = tensor._changes_, tensor._view_
    return twin


def _classes(values: Iterable[Any]) -> list[TensorBase]:
    """The tensors that are asked, one of each class, subclasses before what they descend from."""
    found: list[TensorBase] = []
    for tensor in tensors_in(values):
        if tensor._dispatches_ and all(type(tensor) is not type(other) for other in found):
            place = (n for n, other in enumerate(found) if isinstance(tensor, type(other)))
            found.insert(next(place, len(found)), tensor)
    return found


class Below(doors.Interpreter):
    """Asks for each operator."""

    def concerns(self, values: Iterable[Any]) -> bool:
        """Whether somebody is to be asked about a call with these arguments."""
        raise NotImplementedError

    def answer(self, op: Any, types: tuple[type, ...], args: Any, kwargs: Any, found: Any) -> Any:
        """What is answered, or NotImplemented."""
        raise NotImplementedError

    def ask(self, op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What is answered for an operator, with nothing recorded."""
        before, state.grad = state.grad, False
        try:
            found = _classes((*args, *kwargs.values()))
            result = self.answer(op, tuple(map(type, found)), args, kwargs, found)
            return op(*args, **kwargs) if result is NotImplemented else result
        finally:
            state.grad = before

    def called(self, op: Any, /, *args: Any, **kwargs: Any) -> Any:
        """An operator that is called as such."""
        return self.take(state.interpreters, "ask", op, args, kwargs)

    def one_like(self, root: Any) -> Any:
        """The gradient with which a backward begins."""
        from rushlight.compiler.graphs import executed

        return self.called(
            executed.operator("ones_like.default"), itself(root), **executed.ONE_LIKE
        )

    def apply(self, row: Any, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """An operation, as the operator of ATen that it is."""
        from rushlight.compiler.graphs import executed

        called, _thread.called = _thread.called, None
        if not self.concerns(inputs):
            return doors.apply(row, *inputs, **static)
        inputs = tuple(map(itself, inputs))
        if called is None:
            return _placed(row, inputs, static, executed.ran(self, row, inputs, static))
        return _placed(row, inputs, static, self.ask(*called))

    def into(
        self, target: Any, kernel: Any, inputs: tuple[Any, ...], static: dict[str, Any]
    ) -> None:
        """A write into memory."""
        from rushlight.compiler.graphs import executed

        if self.concerns((target, *inputs)):
            executed.write(self, itself(target), kernel, tuple(map(itself, inputs)), static)
        else:
            doors.into(target, kernel, *inputs, **static)

    def number(self, tensor: TensorBase, why: str) -> Any:
        """A look at the one value of a tensor."""
        from rushlight.compiler.graphs import executed

        if self.concerns((tensor,)):
            return self.ask(executed.operator("_local_scalar_dense.default"), (itself(tensor),), {})
        return doors.number(tensor, why)

    def check(self, tensor: TensorBase, why: str) -> Array:
        """A look at values by which an error may be raised: none at what only wraps."""
        array: Any = held(tensor)
        if array.__class__ is Wrapping:
            return np.broadcast_to(np.ones((), array.dtype), array.shape)
        return doors.check(tensor, why)

    def named(self, public: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A public function, which may be an operator by its name."""
        from rushlight.compiler.graphs import executed

        call = None
        if _thread.called is None and self.concerns((*args, *kwargs.values())):
            recorded = state.grad and any(map(wants_grad, tensors_in((*args, *kwargs.values()))))
            call = executed.called(public, args, kwargs, recorded)
        if call is None:
            return public.plain(*args, **kwargs)
        if call.at_once:
            return call.finished(self.called(call.operator, *call.args, **call.kwargs))
        _thread.called = call.operator, call.args, call.kwargs
        try:
            return public.plain(*args, **kwargs)
        finally:
            _thread.called = None


def below(public: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A public function itself, of which those learn who answer below autograd."""
    if (watchers := state.interpreters) and isinstance(watchers[-1], Below):
        return watchers[-1].named(public, args, kwargs)
    return public.plain(*args, **kwargs)


class Mode(Below):
    """Asks a program's mode, about everything."""

    def __init__(self, mode: Any) -> None:
        self.mode = mode

    def concerns(self, values: Iterable[Any]) -> bool:
        """True."""
        return True

    def answer(self, op: Any, types: tuple[type, ...], args: Any, kwargs: Any, found: Any) -> Any:
        """What the mode says, or who was registered for it."""
        own = op.answers.get(type(self.mode))
        if own is not None:
            return own(self.mode, op, types, args, kwargs)
        return self.mode.__torch_dispatch__(op, types, args, kwargs)


class Classes(Below):
    """Asks the classes of arguments."""

    def concerns(self, values: Iterable[Any]) -> bool:
        """Whether there are such classes among these."""
        return any(map(_answers, tensors_in(values)))

    def answer(self, op: Any, types: tuple[type, ...], args: Any, kwargs: Any, found: Any) -> Any:
        """What the first of the classes says that says anything."""
        # What they wrap may answer, too.
        state.interpreters = (*state.interpreters, self)
        for tensor in found:
            cls: Any = type(tensor)
            if (own := op.answers.get(cls)) is not None:
                result = own(cls, op, types, args, kwargs)
            else:
                result = cls.__torch_dispatch__(op, types, args, kwargs)
            if result is not NotImplemented:
                return result
        raise TypeError(
            f"Multiple dispatch failed for '{op}'; all __torch_dispatch__ handlers returned NotImplemented:\n\n"
            + "".join(f"  - tensor subclass {type(tensor)!r}\n" for tensor in found)
            + "\nFor more information, try re-running with TORCH_LOGS=not_implemented"
        )


def asker(args: tuple[Any, ...], kwargs: dict[str, Any], recorded: bool = False) -> Below | None:
    """Who is to be asked about an operator that is called as such; nobody where it is to be recorded."""
    watchers = state.interpreters
    if not watchers or not isinstance(top := watchers[-1], Below):
        return None
    given = (*args, *kwargs.values())
    if recorded and state.grad and any(map(wants_grad, tensors_in(given))):
        return None
    return top if top.concerns(given) else None


def _placed(row: Any, inputs: tuple[Any, ...], static: dict[str, Any], result: Any) -> Any:
    """What was answered, at the place in the graph where the result of the row stands."""
    several = isinstance(result, tuple | list)
    parts = [_fresh(part, inputs) for part in result] if several else [_fresh(result, inputs)]
    if row.view and state.grad:
        source = inputs[0]._view_
        for part in parts:
            if part._view_ is not None:
                made = SEVERAL if several else ORDINARY
                part._view_.made = made if source is None else made or source.made
    out: Any = tuple(parts) if several else parts[0]
    if state.grad and row.vjp is not None and any(map(wants_grad, tensors_in(inputs))):
        attach(row, inputs, static, out, False)
    return out


def _fresh(part: Any, inputs: tuple[Any, ...]) -> Any:
    """A result that may be given a node: what is somewhere else already, as a second tensor."""
    if (
        not isinstance(part, TensorBase)
        or part._node_ is not None
        or part._requires_grad_
        or any(part is value for value in inputs)
    ):
        if not isinstance(part, TensorBase):
            raise TypeError(
                f"__torch_dispatch__ gave {type(part).__name__} where a tensor was expected"
            )
        twin = _second(part, type(part))
        twin.__dict__.update(part.__dict__)
        return twin
    return part


_classes_asked = Classes()


def start() -> None:
    """Ask classes, from the first of their tensors on."""
    from rushlight.overriding.functions import arm

    if _classes_asked not in State.interpreters:
        _classes_asked.stay()
        arm(for_good=True)


def forget_classes() -> None:
    """Ask classes no more: for tests, which share a process."""
    if _classes_asked in State.interpreters:
        State.interpreters = ()
        _classes_asked.__exit__()
