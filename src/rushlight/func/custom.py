"""Functions whose backward a program writes, on a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from rushlight.autograd.forward import PushContext
from rushlight.autograd.function import Function, FunctionCtx, record
from rushlight.autograd.marks import check_saved
from rushlight.core.state import state
from rushlight.core.tensor import TensorBase, wants_grad
from rushlight.core.turned import held

if TYPE_CHECKING:
    from rushlight.func.batching import Vmap


class VmapInfo(NamedTuple):
    """What the vmap of a custom Function is told of the batch."""

    batch_size: int
    randomness: str


class _Context(FunctionCtx):
    """The ctx of a forward that ran on a batch."""

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward was given."""
        return self.to_save or ()


def called(level: Vmap, cls: type[Function], args: tuple[Any, ...], boxed: list[Any]) -> Any:
    """A call of cls on a batch, recorded inside of the vmap, and as cls says outside of it."""
    written = cls.vmap is not Function.vmap
    if written and cls.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an "
            "overridden vmap staticmethod. Please set generate_vmap_rule=False or delete the overridden "
            "vmap staticmethod to avoid ambiguity."
        )
    if not (written or cls.generate_vmap_rule):
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override "
            "and implement the vmap staticmethod or set generate_vmap_rule=True."
        )
    recording = state.grad

    def run(*_: Any) -> Any:
        state.grad = recording
        opened = [level.open(t) for t in args]
        values, flags = [value for value, _ in opened], tuple(has for _, has in opened)
        if True not in flags:
            found = cls.apply(*values)
            several = isinstance(found, tuple)
            outputs = [_boxed(level, t, None) for t in (found if several else (found,))]
            return tuple(outputs) if several else outputs[0]
        if not written:
            found = _mapped(cls).apply(_Call(level, cls, flags), *values)
            several = isinstance(found, tuple)
            outputs = [
                level.box(t) if isinstance(t, TensorBase) else t
                for t in (found if several else (found,))
            ]
            return tuple(outputs) if several else outputs[0]
        dims: list[int | None] = [None] * len(args)
        for i, t in enumerate(args):
            if flags[i]:
                values[i], dims[i] = level.shown(held(t))  # type: ignore[arg-type]
        info = VmapInfo(level.size, level.randomness)
        found = cls.vmap(info, tuple(dims), *values)
        if not isinstance(found, tuple) or len(found) != 2:
            raise RuntimeError(
                "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree "
                f"structure compatible with the output, not {type(found).__name__}"
            )
        result, where = found
        if isinstance(where, tuple) and (
            not isinstance(result, tuple) or len(where) != len(result)
        ):
            raise RuntimeError(
                f"The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. "
                f"Expected out_dims={where} to be compatible with the structure of `output`."
            )
        if not isinstance(result, tuple):
            return _boxed(level, result, where)
        places = where if isinstance(where, tuple) else (where,) * len(result)
        return tuple(_boxed(level, t, dim) for t, dim in zip(result, places, strict=True))

    if written and not any(isinstance(t, TensorBase) and wants_grad(t) for t in boxed):
        # There is nothing to record inside, so torch makes no ctx there either.
        return run()
    return record(cls, tuple(boxed), {}, run)[0]


def _boxed(level: Vmap, value: Any, dim: int | None) -> Any:
    """An output of a vmap that a program wrote, with the batch where it says."""
    if dim is None:
        return level.box(value, False)
    return level.box(value.movedim(dim, 0) if dim else value)


def _whole(level: Vmap, t: Any) -> Any:
    """What lies in a box, with the batch in front."""
    value, has = level.open(t)
    return value if has else value.expand((level.size, *value._data_.shape))


class _Call:
    """One call on a batch: of which level, of what, which of the values are batches, and the ctx of that."""

    inner: _Context
    # What the other function was given, and gave.
    boxed: tuple[Any, ...]
    outputs: Any

    def __init__(self, level: Vmap, cls: type[Function], flags: tuple[bool, ...]) -> None:
        self.level, self.cls, self.flags = level, cls, flags

    def box(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values as the function sees them."""
        return tuple(
            self.level.box(v, has) if isinstance(v, TensorBase) else v
            for v, has in zip(values, self.flags, strict=True)
        )


# By the functions, whose classes a program may make again and again.
_named: WeakKeyDictionary[type[Function], type[Function]] = WeakKeyDictionary()


def _mapped(cls: type[Function]) -> type[Function]:
    """`_Mapped` by the name that torch gives it for this function."""
    if cls not in _named:
        _named[cls] = type("Vmapped" + cls.__name__, (_Mapped,), {"__module__": __name__})
    return _named[cls]


class _Mapped(Function):
    """forward and backward of another Function, run on boxes: in another vmap, again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(call: Any, *values: Any) -> Any:
        """The outputs, with the batch in front."""
        call.boxed = call.box(values)
        with call.level:
            call.outputs = outputs = call.cls.forward(*call.boxed)
        if isinstance(outputs, tuple):
            return tuple(_whole(call.level, t) if isinstance(t, TensorBase) else t for t in outputs)
        return _whole(call.level, outputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """The same of the other function; the call is kept, which knows what that saved."""
        call = ctx.call = inputs[0]
        call.inner, outputs = _Context(), call.outputs
        call.inner.needs_input_grad = ctx.needs_input_grad[1:]
        with call.level:
            call.cls.setup_context(call.inner, call.boxed, outputs)
        check_saved(call.inner, call.boxed, outputs if isinstance(outputs, tuple) else (outputs,))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """The gradients of the values: what is the same for all examples gets the sum over them."""
        level = ctx.call.level
        with level:
            found = ctx.call.cls.backward(ctx.call.inner, *(level.box(g) for g in grads))
        listed = found if isinstance(found, tuple) else (found,)
        gradients = [
            None if g is None else _whole(level, g) if has else _whole(level, g).sum(0)
            for g, has in zip(listed, ctx.call.flags, strict=True)
        ]
        return None, *gradients

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """The tangents of the outputs."""
        level, pushing = ctx.call.level, PushContext()
        pushing.__dict__.update(ctx.call.inner.__dict__)
        with level:
            found = ctx.call.cls.jvp(pushing, *ctx.call.box(tangents[1:]))
        if isinstance(found, tuple):
            return tuple(_whole(level, t) for t in found)
        return _whole(level, found)
