"""The four doors: every operation, every write, every look at values, every random number.

Nothing else touches the values of tensors; shapes, types and layout may be read freely. So whoever
watches the doors, an `Interpreter`, sees everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rushlight import elsewhere
from rushlight.arrays import NO_ARRAYS, as_array, is_foreign
from rushlight.core.state import State, state
from rushlight.core.tape import attach
from rushlight.core.tensor import Array, TensorBase, wrap
from rushlight.core.turned import held, write
from rushlight.core.views import view
from rushlight.dtypes import SELDOM
from rushlight.errors import explained, no_memory
from rushlight.memory import in_memory, placed

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.core.row import Primitive

_ndarray = np.ndarray
# The types of nearly all arrays, asked for by identity: to read a dtype's kind takes longer.
_FLOAT, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
# Python's numbers below this fit all types of 32 bits and more.
_LARGE = 2**31

# How many interpreters there are, in all threads: nearly always none, and then nobody is asked.
watching = 0


def apply(row: Primitive, *inputs: Any, **static: Any) -> Any:
    """Run a row on tensors (or Python numbers where the row promotes) and record it."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "apply", row, inputs, static)
    # Asked before anything is computed: see `floaterrors`, which learns so of a new thread.
    recording = state.grad
    try:
        if row.view:
            return view(row, inputs[0], static, recording)
        # One and two arrays of one type, each in row order, are nearly all calls: the hot path.
        layout = row.layout
        if len(inputs) == 1:
            (x,) = inputs
            a = x._data_
            wanted = x._requires_grad_ or x._view_ is not None
            if (
                a.__class__ is _ndarray
                and ((dtype := a.dtype) is _FLOAT or dtype is _DOUBLE)
                and (layout is None or a.base is None or not placed(a))
            ):
                result = row.forward(a, **static) if static else row.forward(a)
            else:
                result = _computed(row, [a], static)
        elif len(inputs) == 2:
            wanted = False
            a, b = inputs
            if isinstance(a, TensorBase):
                wanted = a._requires_grad_ or a._view_ is not None
                a = a._data_
            if isinstance(b, TensorBase):
                wanted = wanted or b._requires_grad_ or b._view_ is not None
                b = b._data_
            if (
                a.__class__ is b.__class__ is _ndarray
                and (dtype := a.dtype) is b.dtype
                and (dtype is _FLOAT or dtype is _DOUBLE)
                and (
                    layout is None
                    or ((a.base is None or not placed(a)) and (b.base is None or not placed(b)))
                )
            ) or (row.numbers and (_beside(a, b, layout) or _beside(b, a, layout))):
                result = row.forward(a, b, **static) if static else row.forward(a, b)
            else:
                result = _computed(row, [a, b], static)
        else:
            wanted = True
            arrays = []
            plain = row.promote is None
            for t in inputs:
                if isinstance(t, TensorBase):
                    t = t._data_
                    if t.__class__ is not _ndarray or t.dtype is not _FLOAT or t.base is not None:
                        plain = False
                arrays.append(t)
            if plain:
                result = row.forward(*arrays, **static)
            else:
                result = _computed(row, arrays, static)
    except (ValueError, IndexError, TypeError) as error:
        raise explained(row, _arrays(inputs), static, error) from None
    except MemoryError as error:
        raise no_memory(error) from None
    if result.__class__ is _ndarray:
        out: Any = wrap(result)
    elif result.__class__ is tuple:
        out = tuple([wrap(r if r.__class__ is _ndarray else as_array(r)) for r in result])
    else:
        # A number of NumPy's becomes an array of its own, and not a view of that number.
        out = wrap(np.array(result) if isinstance(result, np.generic) else result[...])
    if recording and wanted and row.vjp is not None:
        attach(row, inputs, static, out, False)
    return out


def _beside(array: Any, number: Any, layout: Any) -> bool:
    """Whether number is one of Python's, and array one of floats in row order, which keeps its type."""
    return (
        (number.__class__ is float or number.__class__ is int)
        and array.__class__ is _ndarray
        and ((dtype := array.dtype) is _FLOAT or dtype is _DOUBLE)
        and (layout is None or array.base is None or not placed(array))
        and -_LARGE < number < _LARGE
    )


def _computed(row: Primitive, arrays: list[Any], static: dict[str, Any]) -> Any:
    """The forward of a row, as `row.settled` says it: written out, as numbers come by here."""
    if row.promote is not None:
        arrays = row.promote(arrays)
    forward, odd = row.forward, False
    for a in arrays:
        if a.__class__ is _ndarray:
            if (dtype := a.dtype) is not _FLOAT and dtype is not _DOUBLE and dtype in SELDOM:
                forward = row.narrow
            if a.base is not None and placed(a):
                odd = True
        elif a.__class__ not in NO_ARRAYS and is_foreign(a):
            return elsewhere.computed(row, arrays, static)
    if odd and row.layout is not None:
        result = row.layout(forward, arrays, static)
    else:
        result = forward(*arrays, **static)
    if not odd:
        return result
    if result.__class__ is tuple:
        return tuple([in_memory(np.asarray(part)) for part in result])
    return in_memory(result) if result.__class__ is _ndarray else result


def _arrays(inputs: Sequence[Any]) -> list[Any]:
    return [t._data_ if isinstance(t, TensorBase) else t for t in inputs]


def into(target: TensorBase, kernel: Callable[..., None], *inputs: Any, **static: Any) -> None:
    """Write into the memory of target: kernel(its elements, *inputs, **static).

    inputs are tensors or Python numbers; a kernel is given the arrays of the tensors, and reads what
    it needs of the elements before it overwrites them.
    """
    if watching and (watchers := state.interpreters):
        watchers[-1].take(watchers, "into", target, kernel, inputs, static)
        return
    arrays = _arrays(inputs)
    if is_foreign(memory := held(target)):
        if not elsewhere.has_memory(memory):
            return
        arrays = elsewhere.gathered(arrays, memory)
    if target._turned_:
        shown = target._data_.copy()
        kernel(shown, *arrays, **static)
        write(target, shown)
    else:
        kernel(target._data_, *arrays, **static)


def read(tensor: TensorBase, why: str) -> Array:
    """The values of a tensor, for Python to look at; why says in messages what they are needed for."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "read", tensor, why)
    data = tensor._data_
    return data if data.__class__ is _ndarray else elsewhere.looked_at(data)


def number(tensor: TensorBase, why: str) -> Any:
    """The one value of a tensor as a Python number, which a watcher can follow; else as `read`."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "number", tensor, why)
    return tensor._data_.item()


def read_each(tensor: TensorBase, why: str) -> Array:
    """`read`, of all examples where there is a batch: for what is decided alike for all of them."""
    return read(_unboxed(tensor), why)


def check(tensor: TensorBase, why: str) -> Array:
    """`read_each`, for what decides no more than whether an error is raised: it may be passed over."""
    tensor = _unboxed(tensor)
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "check", tensor, why)
    return elsewhere.assumed(tensor._data_)


def _unboxed(tensor: TensorBase) -> TensorBase:
    while tensor._data_.__class__ is not _ndarray and hasattr(tensor._data_, "value"):
        tensor = tensor._data_.value
    return tensor


def draw(numbers: Callable[..., Any], generator: Any, /, *inputs: Any, **static: Any) -> Any:
    """Random numbers: numbers(*inputs, generator=generator, **static), as a tensor or a tuple of them.

    numbers is a function of `rushlight.random`, which is given the arrays of inputs that are tensors;
    without a generator it draws from the default one.
    """
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "draw", numbers, generator, inputs, static)
    arrays = _arrays(inputs)
    result = numbers(*arrays, generator=generator, **static)
    if result.__class__ is tuple:
        return tuple([wrap(part) for part in result])
    return wrap(in_memory(result))


def literal(array: Array, requires_grad: bool = False) -> Tensor:
    """A tensor of what Python's numbers, shapes and types say alone: nothing of it came from tensors."""
    tensor = wrap(in_memory(array), requires_grad)
    if watching and (watchers := state.interpreters):
        watchers[-1].take(watchers, "literal", tensor)
    return tensor


# What an optimizer and its schedules do in Python, with numbers and dicts, goes past the four doors.
# Whoever wants to do a step again, without Python, learns of it here.


def options(group: dict[str, Any]) -> dict[str, Any]:
    """A group of options, whose numbers may change between steps."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "options", group)
    return group


def once(make: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """make(*args): what is made before the first step and kept, which is a part of no step."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "once", make, args)
    return make(*args)


def calculate(function: Callable[..., Any], *numbers: Any) -> Any:
    """function(*numbers), as `max` of two, where a watcher is to follow what becomes of numbers."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "calculate", function, numbers)
    return function(*numbers)


def perform(function: Callable[..., Any], *args: Any) -> Any:
    """function(*args): Python code that is to run again each time."""
    if watching and (watchers := state.interpreters):
        return watchers[-1].take(watchers, "perform", function, args)
    return function(*args)


class Interpreter:
    """Takes what comes to the doors in this thread while its block is open.

    Interpreters nest: each is asked with those around it in force, so that to pass a call on is to go
    to the same door again, which is what these methods do.

    >>> import rushlight as torch
    >>> class Names(Interpreter):
    ...     def apply(self, row, inputs, static):
    ...         print(row.name)
    ...         return super().apply(row, inputs, static)
    >>> with Names():
    ...     torch.ones(2).exp() + 1
    exp
    add
    tensor([3.7183, 3.7183])
    """

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """An operation."""
        return apply(row, *inputs, **static)

    def into(
        self,
        target: TensorBase,
        kernel: Callable[..., None],
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> None:
        """A write into memory."""
        into(target, kernel, *inputs, **static)

    def read(self, tensor: TensorBase, why: str) -> Array:
        """A look at values."""
        return read(tensor, why)

    def number(self, tensor: TensorBase, why: str) -> Any:
        """A look at the one value of a tensor."""
        return number(tensor, why)

    def check(self, tensor: TensorBase, why: str) -> Array:
        """A look at values by which an error may be raised."""
        return check(tensor, why)

    def draw(
        self,
        numbers: Callable[..., Any],
        generator: Any,
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> Any:
        """Random numbers."""
        return draw(numbers, generator, *inputs, **static)

    def literal(self, tensor: TensorBase) -> None:
        """A tensor of Python's numbers has been made."""
        if watchers := state.interpreters:
            watchers[-1].take(watchers, "literal", tensor)

    def options(self, group: dict[str, Any]) -> dict[str, Any]:
        """The options of an optimizer."""
        return options(group)

    def once(self, make: Callable[..., dict[str, Any]], args: tuple[Any, ...]) -> dict[str, Any]:
        """The state of an optimizer is made."""
        return once(make, *args)

    def calculate(self, function: Callable[..., Any], numbers: tuple[Any, ...]) -> Any:
        """A function of numbers."""
        return calculate(function, *numbers)

    def perform(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Python code that is to run again each time."""
        return perform(function, *args)

    def take(self, watchers: tuple[Interpreter, ...], door: str, *what: Any) -> Any:
        """What came to a door while watchers, of which this is the last, are in force."""
        state.interpreters = watchers[:-1]
        try:
            return getattr(self, door)(*what)
        finally:
            state.interpreters = watchers

    def __enter__(self) -> Self:
        global watching
        state.interpreters = (*state.interpreters, self)
        watching += 1
        return self

    def __exit__(self, *exception: object) -> None:
        global watching
        state.interpreters = tuple(i for i in state.interpreters if i is not self)
        watching -= 1

    def stay(self) -> None:
        """Be asked in every thread, after all others, from now on."""
        global watching
        State.interpreters = state.interpreters = (self, *state.interpreters)
        watching += 1
