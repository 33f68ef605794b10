"""A batch in the place of a tensor: what `vmap` hands to a function, and the interpreter behind it.

Inside of `vmap(f)` a tensor's `_data_` is a `Batched`: it shows the shape of one example, and holds a
tensor with the batch in front. Whatever reads shapes just works; whoever asks for the values of one
example is refused, as there are many. The interpreter takes the rows that meet such a box, computes
on what lies in it by the row's batch rule, and boxes the result. What lies in a box is an ordinary
tensor, which may be recorded, carry tangents, or be a box of a vmap further out: so all of these nest.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from rushlight.arrays import Box
from rushlight.core.doors import Interpreter, apply, draw, into, number, read
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.tape import attach, geometry
from rushlight.core.tensor import (
    ORDINARY,
    SEVERAL,
    UNRECORDED,
    TensorBase,
    View,
    wants_grad,
    wrap,
)
from rushlight.core.turned import alias, held
from rushlight.func.custom import called
from rushlight.memory import plain
from rushlight.ops.inplace import keep_values
from rushlight.ops.joining import stack
from rushlight.ops.storage_places import STORAGE
from rushlight.primitives.strided import as_strided
from rushlight.primitives.view import variable
from rushlight.primitives.writing import written

if TYPE_CHECKING:
    from rushlight._tensor import Tensor

_REFUSED = (
    "vmap: {what} is not possible inside of vmap: the function runs once for the whole batch, and its "
    "tensors have another value in every example. Choose with torch.where, compute with tensor "
    "operations throughout, or take this part out of vmap."
)


def refuse(what: str) -> NoReturn:
    """Raise the error of whoever asks a batch for the values of one example."""
    raise RuntimeError(_REFUSED.format(what=what))


def refuse_look(why: str) -> NoReturn:
    """The same for a look at values."""
    if why == STORAGE:
        raise NotImplementedError(
            "Cannot access storage of BatchedTensorImpl: vmap holds all examples in one tensor"
        )
    refuse(f"a look at values for {why}")


class Layout:
    """The flags of an array, of one example."""

    __slots__ = ("c_contiguous", "f_contiguous", "forc", "writeable")

    def __init__(self, box: Batched) -> None:
        self.c_contiguous = _in_order(box.shape, box.strides, box.itemsize)
        self.f_contiguous = _in_order(box.shape[::-1], box.strides[::-1], box.itemsize)
        self.forc = self.c_contiguous or self.f_contiguous
        self.writeable = True


def _in_order(shape: Sequence[int], strides: Sequence[int], step: int) -> bool:
    if 0 in shape:
        return True
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


class Batched(Box, NDArrayOperatorsMixin):
    """A tensor with a batch in front, shown as the array of one example.

    Not every box holds a batch: what a transformed function makes the variable of a gradient is
    boxed as it is, so that the recording inside of the vmap is not the one outside of it.
    """

    __slots__ = ("value", "level", "batched", "place", "shape", "dtype", "ndim")

    def __init__(self, value: Tensor, level: Vmap, batched: bool) -> None:
        array = held(value)
        self.value = value
        self.level = level
        self.batched = batched
        # Where the batch lay in what the caller gave, for whom that is shown.
        self.place = 0
        self.shape: tuple[int, ...] = array.shape[1:] if batched else array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.ndim = len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements of one example."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of the elements of one example."""
        return self.size * self.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """The steps in memory of one example."""
        steps = held(self.value).strides
        return steps[1:] if self.batched else steps

    @property
    def flags(self) -> Layout:
        """In which order an example lies."""
        return Layout(self)

    @property
    def base(self) -> Any:
        """Whose memory it is: known only of what lies in the box."""
        return held(self.value).base

    def detached(self) -> Batched:
        """A box of the same memory, outside of the graph."""
        return Batched(self.value.detach(), self.level, self.batched)

    def copy(self) -> Batched:
        """A box of a copy."""
        return Batched(self.value.clone(), self.level, self.batched)

    def astype(self, dtype: Any, **layout: Any) -> Batched:
        """A box of another type."""
        return Batched(self.value.astype(np.dtype(dtype)), self.level, self.batched)

    def resized(self, shape: tuple[int, ...]) -> Batched:
        """A box of the same memory, in which each example has another shape of as many elements."""
        if math.prod(shape) != self.size:
            refuse("resize_ to another number of elements")
        self.value.resize_((self.level.size, *shape) if self.batched else shape)
        return Batched(self.value, self.level, self.batched)

    def __repr__(self) -> str:
        value, place = self.level.shown(self)
        if not self.batched:
            return repr(value)
        inner = textwrap.indent(repr(value), "    ")
        return f"BatchedTensor(lvl={self.level.depth}, bdim={place}, value=\n{inner}\n)"

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        refuse("to take the values of a tensor as a NumPy array")

    def __array_ufunc__(self, ufunc: Any, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"NumPy's {getattr(ufunc, '__name__', ufunc)} on the values of a tensor")

    def __array_function__(self, function: Any, *args: Any, **kwargs: Any) -> NoReturn:
        refuse(f"NumPy's {getattr(function, '__name__', function)} on the values of a tensor")

    def __dlpack__(self, **options: Any) -> NoReturn:
        refuse("to export a tensor by DLPack")

    def __bool__(self) -> bool:
        refuse("to decide by the value of a tensor (`if`, `while`, `and`, bool())")

    def item(self) -> NoReturn:
        """Refused: a batch has as many values as examples."""
        refuse(".item()")

    def tolist(self) -> NoReturn:
        """Refused, as `item`."""
        refuse(".tolist()")


# The parameters of draws of which nothing but the shape knows of the batch.
_SIZED = frozenset(("shape", "dtype", "p", "low", "high", "mean", "std", "contiguous"))

# Computes a row on tensors with the batch in front: (level, row, values, which are batched, static).
Rule = Callable[["Vmap", Primitive, list[Any], list[bool], dict[str, Any]], Any]


class Vmap(Interpreter):
    """One vmap that is running: takes the rows that meet boxes of its own."""

    transforms = True

    def __init__(self, size: int, randomness: str, rule_of: Callable[[Primitive], Rule]) -> None:
        self.size = size
        self.randomness = randomness
        self.rule_of = rule_of
        # Which one it is of those that are running, as torch shows them.
        self.depth = 1 + sum(isinstance(one, Vmap) for one in state.interpreters)
        self.adopted: list[tuple[TensorBase, Any]] = []

    def holds(self, t: Any) -> bool:
        """Whether t is a tensor in a box of this level; a view of what was adopted is put into one first."""
        if not isinstance(t, TensorBase):
            return False
        data = held(t)
        if isinstance(data, Batched):
            return data.level is self
        return bool(self.adopted) and t._view_ is not None and self._adopt_part(t, t._view_.base)

    def box(self, value: Any, batched: bool = True) -> Tensor:
        """A tensor of one example, for a tensor with the batch in front."""
        tensor = wrap(Batched(value, self, batched))  # type: ignore[arg-type]
        # Changes of what lies in the box are changes of the box.
        tensor._changes_ = value._changes_
        return tensor

    def open(self, t: Any) -> tuple[Any, bool]:
        """What lies in a box of this level, and whether it has the batch in front."""
        if self.holds(t):
            return t._data_.value, t._data_.batched
        return t, False

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a row: by its batch rule if it meets a batch."""
        holds = self.holds
        own = [holds(t) for t in inputs]
        if True not in own:
            return self.box(inputs[0], False) if row is variable else row(*inputs, **static)
        values = [t._data_.value if mine else t for t, mine in zip(inputs, own, strict=True)]
        batched = [mine and t._data_.batched for t, mine in zip(inputs, own, strict=True)]
        several = True in batched
        result = (
            self.rule_of(row)(self, row, values, batched, static)
            if several
            else row(*values, **static)
        )
        if result.__class__ is tuple:
            out: Any = tuple([self.box(part, several) for part in result])
        else:
            out = self.box(result, several)
        if row.view:
            self._link(out, inputs[0])
        if row.vjp is not None and state.grad:
            attach(row, self.level_with(inputs, own), static, out, False)
        return out

    def into(
        self,
        target: TensorBase,
        kernel: Callable[..., None],
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> None:
        """A write: what lies in the box is changed in place, as far as it has room for the batch."""
        if not (self.holds(target) or any(map(self.holds, inputs))):
            into(target, kernel, *inputs, **static)
            return
        if not self.holds(target):
            self._adopt(target)
        with self:
            result = written(kernel, target, inputs, static)
        value, has = self.open(result)
        own, room = self.open(target)
        shape = tuple(target._data_.shape)
        if has and not room:
            raise RuntimeError(
                f"output with shape {list(shape)} doesn't match the broadcast shape "
                f"{[self.size, *shape]}: a tensor that is the same for all examples of a vmap cannot take "
                "another value for each. Write the out-of-place form, or make the tensor from a batched "
                "one (x.new_zeros(...), x.clone())"
            )
        if has:
            missing = len(shape) + 1 - value._data_.ndim
            if missing > 0:
                sizes = value._data_.shape
                value = value.reshape((sizes[0], *(1,) * missing, *sizes[1:]))
        if value._requires_grad_:
            # What the value was computed from is about to be overwritten.
            with self:
                keep_values(value, own, 0 if own._node_ is None else own._node_._sequence + 1)
        own.copy_(value)

    def _adopt(self, target: TensorBase) -> None:
        """Put a tensor of the function's own into a box while vmap runs: what is written into it has one."""
        base = target if target._view_ is None else target._view_.base
        if base._turned_ or target._turned_:
            return
        whole = alias(base, base._node_)
        whole._requires_grad_, whole._tangents_ = base._requires_grad_, base._tangents_
        if base._output_nr_:
            whole._output_nr_ = base._output_nr_
        self._put(base, whole)
        if base is not target:
            self._adopt_part(target, base)

    def _adopt_part(self, part: TensorBase, base: TensorBase) -> bool:
        """Put a view of what was adopted into a box, if it is one."""
        box = held(base)
        if not (isinstance(box, Batched) and box.level is self):
            return False
        self._put(part, apply(as_strided, box.value, **geometry(plain(box), held(part))))
        return True

    def _put(self, t: TensorBase, value: TensorBase) -> None:
        self.adopted.append((t, value))
        t._data_, t._node_, t._requires_grad_ = held(self.box(value, False)), None, False
        t.__dict__.pop("_output_nr_", None)

    def release(self) -> None:
        """Take what was adopted out of its box again."""
        for t, value in self.adopted:
            t._data_, t._node_ = value._data_, value._node_
            t._requires_grad_ = value._requires_grad_
            if value._output_nr_ or t._output_nr_:
                t._output_nr_ = value._output_nr_
            if isinstance(box := t._data_, Batched):
                box.level.adopted.append((t, box.value))

    def function(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A custom Function: as it says that it takes a batch."""
        own = [self.holds(t) for t in args]
        if True not in own:
            return cls.apply(*args, **kwargs)
        return called(self, cls, args, self.level_with(args, own))

    def draw(
        self,
        numbers: Callable[..., Any],
        generator: Any,
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> Any:
        """Random numbers: once for all examples or for each, as the caller of vmap said."""
        if self.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the "
                "'same' or 'different' randomness flags on vmap or perform the randomness operation out "
                "of vmap"
            )
        opened = [self.open(t) for t in inputs]
        batched = any(has for _, has in opened)
        if self.randomness == "same":
            if batched:
                raise RuntimeError(
                    "Vmap does not currently support same randomness with a batched tensor input: draw "
                    "the numbers outside of vmap"
                )
            return draw(numbers, generator, *(value for value, _ in opened), **static)
        if not inputs and static.keys() <= _SIZED:
            sized = {**static, "shape": (self.size, *static["shape"])}
            drawn = draw(numbers, generator, **sized)
            if drawn.__class__ is tuple:
                return tuple([self.box(part) for part in drawn])
            return self.box(drawn)
        parts = [value.unbind(0) if has else (value,) * self.size for value, has in opened]
        drawn = [
            draw(numbers, generator, *(part[i] for part in parts), **static)
            for i in range(self.size)
        ]
        if drawn[0].__class__ is tuple:
            return tuple([self.box(stack(column)) for column in zip(*drawn, strict=True)])
        return self.box(stack(drawn))

    def read(self, tensor: TensorBase, why: str) -> Any:
        """A look at values: refused, where there is one for each example."""
        value, has = self.open(tensor)
        return refuse_look(why) if has else read(value, why)

    def number(self, tensor: TensorBase, why: str) -> Any:
        """A look at one value: refused, as `read`."""
        value, has = self.open(tensor)
        return refuse(f"a look at values for {why}") if has else number(value, why)

    def shown(self, box: Batched) -> tuple[Any, int]:
        """What lies in a box with the batch where the caller had it, and where that is."""
        return (box.value.movedim(0, box.place) if box.place else box.value), box.place

    def level_with(self, inputs: Sequence[Any], own: Sequence[bool]) -> list[Any]:
        """The inputs, with those that the recording outside follows boxed: inside they are constant."""
        return [
            self.box(t, False) if not mine and isinstance(t, TensorBase) and wants_grad(t) else t
            for t, mine in zip(inputs, own, strict=True)
        ]

    def _link(self, out: Any, source: TensorBase) -> None:
        """Let boxes of views know the box that they are views of."""
        made = (SEVERAL if out.__class__ is tuple else ORDINARY) if state.grad else UNRECORDED
        for part in out if out.__class__ is tuple else (out,):
            if part._changes_ is source._changes_ and part._changes_.__class__ is list:
                view = source._view_
                if view is None:
                    part._view_ = View(source, part._changes_[0], made)
                else:
                    part._view_ = View(view.base, part._changes_[0], made or view.made)


def debug_unwrap(tensor: Any, *, recurse: bool = True) -> Any:
    """What a tensor of a transformed function holds, batch and all: to be printed, not to be computed with.

    >>> import rushlight as torch
    >>> seen = []
    >>> _ = torch.vmap(lambda x: seen.append(debug_unwrap(x).shape) or x)(torch.ones(2, 3))
    >>> seen
    [torch.Size([2, 3])]
    """
    if not isinstance(tensor, TensorBase):
        raise ValueError("debug_unwrap only works with Tensors")
    while isinstance(box := tensor._data_, Batched):
        tensor = box.value
        if not recurse:
            break
    return tensor
