"""Forward mode: tangents beside tensors, carried by an interpreter through every row.

There is no second list of derivatives. The derivative of a row along tangents follows from what the
row says: a linear row is applied to the tangents; an elementwise row's rule is its derivative times
`g`, and the tangent takes the place of `g`; and for the rest the rule, which is linear in `g`, is
itself differentiated in `g`: the transpose of the transpose.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.autograd import engine
from rushlight.autograd.accumulate import fit
from rushlight.autograd.function import Function, FunctionCtx, record
from rushlight.autograd.marks import among
from rushlight.autograd.state import enable_grad, no_grad
from rushlight.core.doors import Interpreter, apply, into, literal
from rushlight.core.node import PrimitiveNode, SavedOutput, SavedOutputs
from rushlight.core.row import Primitive
from rushlight.core.state import state
from rushlight.core.table import (
    INPUT,
    NEEDS,
    OUT,
    OUT_PART,
    OUT_SHAPE,
    REST,
    REST_SHAPES,
    SHAPE,
    STATIC,
    STEPS,
)
from rushlight.core.tape import geometry
from rushlight.core.tensor import TensorBase, inference, is_inference, wants_grad
from rushlight.core.turned import held
from rushlight.memory import is_repeated
from rushlight.primitives.constant import computed
from rushlight.primitives.kernel import laid_out
from rushlight.primitives.placement import empty_like
from rushlight.primitives.strided import as_strided
from rushlight.primitives.view import variable
from rushlight.primitives.writing import written

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


class Tangents(dict[Any, Any]):
    """The tangents of one tensor, by the level that they belong to."""

    __slots__ = ("__weakref__",)


class SavedDual(SavedOutput):
    """An output kept for a rule, with its tangents."""

    __slots__ = ("tangents",)

    def __init__(self, kept: SavedOutput, tangents: Tangents) -> None:
        super().__init__(kept.array, kept.number)
        self.tangents = tangents

    def restore(self, node: Any) -> Any:
        """The output as a tensor made by node."""
        tensor = super().restore(node)
        tensor._tangents_ = self.tangents
        return tensor


class Forward(Interpreter):
    """A level of forward mode: what is computed from tensors with a tangent has one too."""

    # Whether functions of torch.func run within it, and not only a user's block.
    transforms = True
    # Off in a block that says so.
    carries = True

    def __init__(self) -> None:
        self._known: list[weakref.ref[Tangents]] = []

    def forget(self) -> None:
        """Let go of all tangents: they do not outlive their level."""
        for known in self._known:
            tangents = known()
            if tangents is not None:
                tangents.pop(self, None)
        self._known.clear()

    def tangent(self, t: Any) -> Tensor | None:
        """The tangent of a tensor at this level."""
        if not isinstance(t, TensorBase):
            return None
        tangents = t._tangents_
        if tangents is not None and self in tangents:
            return tangents[self]
        if t._view_ is None:
            return None
        whole = self.tangent(t._view_.base)
        if whole is None:
            return None
        found = self._part(t, whole)
        self.give(t, found)
        return found

    def _part(self, t: TensorBase, whole: Tensor) -> Tensor:
        """The tangent of a view, which lies in that of its base as the view does in the base."""
        place = geometry(held(t._view_.base), held(t))  # type: ignore[union-attr]
        return apply(as_strided, whole, **place)

    def unseen(self, inputs: Iterable[Any]) -> bool:
        """Whether a user's level takes no notice: all tensors were made in inference mode."""
        return not self.transforms and all(
            is_inference(t) for t in inputs if isinstance(t, TensorBase)
        )

    def dual(self, t: TensorBase, tangent: Tensor) -> None:
        """Set the tangent that a tensor is given from outside: it lies in memory as the tensor does."""
        shape, steps, own = t._data_.shape, t._data_.strides, tangent._data_.strides
        if 0 not in shape and any(
            n > 1 and a != b for n, a, b in zip(shape, steps, own, strict=True)
        ):
            if is_repeated(t._data_):
                raise RuntimeError(
                    "unsupported operation: more than one element of the written-to tensor refers to a single "
                    "memory location: the tangent of an expanded tensor; clone() the tensor"
                )
            size = t._data_.itemsize
            tangent = apply(laid_out, tangent, strides=tuple(s // size for s in steps))
        self.give(t, tangent)

    def give(self, t: TensorBase, tangent: Tensor | None) -> None:
        """Set the tangent of a tensor; None says that it has none, whatever it is a view of."""
        tangents = t._tangents_
        if tangents is None:
            tangents = t._tangents_ = Tangents()
        if self not in tangents:
            self._known.append(weakref.ref(tangents))
        tangents[self] = tangent

    def apply(self, row: Primitive, inputs: tuple[Any, ...], static: dict[str, Any]) -> Any:
        """Run a row, and give its result the tangent that follows from those of the inputs."""
        out = apply(row, *inputs, **static)
        if row.vjp is None or not _carries(out):
            return out
        tangents = [self.tangent(t) for t in inputs]
        if all(t is None for t in tangents) or self.unseen(inputs):
            return out
        pushed = push(row, inputs, tangents, static, out)
        several = out.__class__ is tuple
        for part, tangent in zip(
            out if several else (out,), pushed if several else (pushed,), strict=True
        ):
            if tangent is not None:
                # What is not a view has memory of its own, and so has its tangent.
                shared = not row.view and any(
                    t is not None and t._changes_ is tangent._changes_ for t in tangents
                )
                self.give(part, tangent.clone() if shared else tangent)
        _remember(out)
        return out

    def into(
        self,
        target: TensorBase,
        kernel: Callable[..., None],
        inputs: tuple[Any, ...],
        static: dict[str, Any],
    ) -> None:
        """A write: the tangent of what is written is written into that of the target."""
        own = self.tangent(target)
        if own is None and all(self.tangent(t) is None for t in inputs):
            into(target, kernel, *inputs, **static)
            return
        with self:
            # What the graph of the tangent keeps of the target is not what is written over.
            before: Any = target
            if state.grad and target._data_.dtype.kind in "fcV":
                before = before.clone()
            found = self.tangent(written(kernel, before, inputs, static))
        into(target, kernel, *inputs, **static)
        if own is None and found is None:
            return
        if own is None:
            base = target if target._view_ is None else target._view_.base
            # One for each example, if that is what is written.
            self.give(base, _beside(zeros(base), found))
            own = self.tangent(target)
        if own is not None:
            own.copy_(zeros(own) if found is None else found)

    def function(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A custom Function: by its jvp."""
        tangents = [self.tangent(t) for t in args]
        if all(t is None for t in tangents):
            return cls.apply(*args, **kwargs)
        outputs, ctx = _with_context(cls, args, kwargs)
        along = [
            zeros(x) if t is None and _floating(x) and ctx.materialize_grads else t
            for x, t in zip(args, tangents, strict=True)
        ]
        found = cls.jvp(ctx, *along)
        outs = outputs if isinstance(outputs, tuple) else (outputs,)
        pushed = found if isinstance(found, tuple) else (found,)
        for place, tangent in enumerate(pushed):
            if tangent is not None and not isinstance(tangent, TensorBase):
                raise RuntimeError(
                    f"expected Variable or None (got {type(tangent).__name__}) for grad output {place}."
                )
        if len(outs) != len(pushed):
            raise RuntimeError(
                "Function's jvp returned an invalid number of forward gradients (expected "
                f"{len(outs)} but got {len(pushed)})"
            )
        for place, (out, tangent) in enumerate(zip(outs, pushed, strict=True)):
            if not _floating(out) or among(out, ctx.non_differentiable):
                if tangent is None:
                    continue
                raise RuntimeError(
                    f"Function's jvp returned a gradient at position {place}, but  the corresponding forward "
                    "output is not a differentiable Variable"
                )
            if tangent is None or not _floating(tangent):
                raise RuntimeError(
                    f"Function's jvp returned {'None' if tangent is None else tangent.dtype} at position "
                    f"{place}, where the forward output is floating point: return a tangent, or mark the "
                    "output by mark_non_differentiable"
                )
            need_dual(out, tangent)
            _need_same_place(ctx, args, tangents, out, tangent, not self.transforms)
            self.give(out, tangent)
        return outputs


def _need_same_place(
    ctx: Any,
    args: tuple[Any, ...],
    tangents: Sequence[Any],
    out: Any,
    tangent: Any,
    views: bool,
) -> None:
    """What is changed in place, or with `views` a view, has a tangent that is changed in place, or a view."""
    for given, own in zip(args, tangents, strict=True):
        if own is None:
            continue
        if given is out and any(out is t for t in ctx.dirty_tensors or ()):
            if tangent is not own:
                raise RuntimeError(
                    "An inplace custom Function is not modifying the forward mode gradients inplace. If the "
                    "forward is inplace, jvp must be too: change the tangent that it is given, and return it."
                )
        elif (
            views
            and out._view_ is not None
            and _base(out) is _base(given)
            and _base(tangent) is not _base(own)
        ):
            raise RuntimeError(
                "A custom Function's forward is returning a view (or an input as-is) but the jvp is not "
                "returning a view."
            )


def _base(t: Any) -> Any:
    return t if t._view_ is None else t._view_.base


class PushContext(FunctionCtx):
    """The ctx of a forward, for jvp."""

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_forward was given, or else save_for_backward."""
        return self.saved_for_forward or self.to_save or ()


def _with_context(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """The outputs of a custom Function, and the ctx that its jvp is called with."""
    if cls.setup_context is Function.setup_context:
        outputs, node = record(cls, args, kwargs)
        node._saved = [(t, None, 0) for t in node.saved_for_forward or ()] or node._saved
        return outputs, node
    outputs, ctx = cls.apply(*args, **kwargs), PushContext()
    cls.setup_context(ctx, args, outputs)
    return outputs, ctx


def _remember(out: Any) -> None:
    """Let the node that made out keep outputs with their tangents."""
    parts = out if out.__class__ is tuple else (out,)
    node = parts[0]._node_
    if not isinstance(node, PrimitiveNode) or not node.plan.saves_out or node.kept is None:
        return

    def dual(kept: Any) -> Any:
        if isinstance(kept, SavedOutputs):
            return SavedOutputs(tuple(map(dual, kept.parts)))
        if not isinstance(kept, SavedOutput):
            return kept
        tangents = parts[kept.number]._tangents_
        return kept if tangents is None else SavedDual(kept, tangents)

    node.kept = [dual(kept) for kept in node.kept]


def need_dual(primal: Any, tangent: Any) -> None:
    """Raise torch's errors for a pair that makes no dual number."""
    for name, t in (("primal", primal), ("tangent", tangent)):
        if t._data_.dtype.kind not in "fcV":
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if primal._data_.shape != tangent._data_.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, "
            f"this is not supported. Tensor is of size {list(primal._data_.shape)} while the given forward "
            f"gradient is of size {list(tangent._data_.shape)}."
        )


def zeros(t: Any) -> Any:
    """Zeros that lie as t does."""
    return literal(empty_like(t._data_, make=np.zeros))


def _beside(new: Any, source: Any) -> Any:
    """A new tensor, one for each example if source is that."""
    return new if source is None else computed(lambda array, _: array.copy(), new, source)


def ones(t: Any) -> Any:
    """Ones like t."""
    return literal(np.ones(t._data_.shape, t._data_.dtype))


def _floating(t: Any) -> bool:
    return isinstance(t, TensorBase) and t._data_.dtype.kind in "fcV"


def _carries(out: Any) -> bool:
    """Whether a result can have a tangent: not whole numbers, and not in inference mode."""
    first = out[0] if out.__class__ is tuple and out else out
    return Forward.carries and not inference.on and first._data_.dtype.kind in "fcV"


def push(
    row: Primitive,
    inputs: tuple[Any, ...],
    tangents: list[Tensor | None],
    static: dict[str, Any],
    out: Any,
) -> Any:
    """The tangent of the result (a tuple for several; None where there is none)."""
    if row.linear:
        # A view of it looks at the memory as it is: a conjugate is written out.
        full = [
            (zeros(x) if t is None else t.clone() if t._turned_ else t) if _floating(x) else x
            for x, t in zip(inputs, tangents, strict=True)
        ]
        return apply(row, *full, **static)
    if row.family in ("unary", "binary", "ternary") and _is_real(inputs, out):
        return _by_rules(row, inputs, tangents, static, out)
    return _twice(row, inputs, tangents, static, out)


def _is_real(inputs: tuple[Any, ...], out: Any) -> bool:
    """Whether all is real: of complex numbers a rule gives the conjugate's derivative."""
    tensors = (*inputs, *(out if out.__class__ is tuple else (out,)))
    return not any(isinstance(t, TensorBase) and t._data_.dtype.kind == "c" for t in tensors)


def _by_rules(
    row: Primitive,
    inputs: tuple[Any, ...],
    tangents: list[Tensor | None],
    static: dict[str, Any],
    out: Any,
) -> Any:
    """Elementwise: the derivative by each input times its tangent, added up."""
    plan = row.plan(_bits(tangents))
    if plan.joint or out.__class__ is tuple:
        return _twice(row, inputs, tangents, static, out)
    kept = _kept(plan, inputs, tangents, static, out)
    total: Any = None
    for (rule, pick), t in zip(plan.rules, tangents, strict=False):
        if rule is None or t is None:
            continue
        part = rule(t, *(kept if pick is None else pick(kept)))
        total = part if total is None else total + part
    if total is None:
        return None
    shape, dtype = out._data_.shape, out._data_.dtype
    if total._data_.dtype != dtype:
        total = total.to(out.dtype)
    return total if total._data_.shape == shape else total.expand(shape)


def _bits(tangents: list[Tensor | None]) -> int:
    return sum(1 << i for i, t in enumerate(tangents) if t is not None)


def _kept(
    plan: Any,
    inputs: tuple[Any, ...],
    tangents: list[Tensor | None],
    static: dict[str, Any],
    out: Any,
) -> list[Any]:
    """What the rules of a row ask for, from the tensors themselves."""
    kept: list[Any] = []
    for kind, i in plan.gather:
        if kind == INPUT:
            kept.append(inputs[i] if i < len(inputs) else None)
        elif kind in (SHAPE, STEPS):
            t = inputs[i]
            known = isinstance(t, TensorBase)
            kept.append(() if not known else t._data_.shape if kind == SHAPE else t._data_.strides)
        elif kind == STATIC:
            kept.append(static[i])
        elif kind == OUT:
            kept.append(list(out) if out.__class__ is tuple else out)
        elif kind == OUT_PART:
            kept.append(out[i])
        elif kind == OUT_SHAPE:
            kept.append(out._data_.shape)
        elif kind == NEEDS:
            kept.append(tuple(t is not None for t in tangents))
        elif kind == REST:
            kept.append(tuple(inputs[i:]))
        elif kind == REST_SHAPES:
            kept.append(tuple(t._data_.shape for t in inputs[i:]))
    return kept


def _twice(
    row: Primitive,
    inputs: tuple[Any, ...],
    tangents: list[Tensor | None],
    static: dict[str, Any],
    out: Any,
) -> Any:
    """The rule is linear in the gradient that it is given: its own derivative in that, transposed.

    It is taken at ones, where rules that compute in logarithms are smooth.
    """
    several = out.__class__ is tuple
    parts = out if several else (out,)
    plan = row.plan(_bits(tangents))
    recording = state.grad
    with enable_grad():
        upper = [freed(ones(part)) if _floating(part) else None for part in parts]
        kept = _kept(plan, inputs, tangents, static, out)
        g: Any = list(upper) if several else upper[0]
        node = PrimitiveNode((), None, plan, static)
        node.kept, node.versions = kept, ()
        gradients = node._gradients(g)
        pairs = [
            (fit(grad, (x._data_.shape, x._data_.dtype)), t)
            for grad, x, t in zip(gradients, inputs, tangents, strict=False)
            if grad is not None and t is not None
        ]
    roots = [(grad, t) for grad, t in pairs if grad._requires_grad_]
    if not roots:
        return tuple(None if u is None else zeros(u) for u in upper) if several else zeros(out)
    wanted = [u for u in upper if u is not None]
    found = engine.run(
        [grad for grad, _ in roots], [t for _, t in roots],
        retain_graph=recording, create_graph=recording, targets=wanted, capture=True,
    )  # fmt: skip
    if recording and not any(map(is_followed, (*inputs, *tangents))):
        # They are recorded as depending on the ones alone, of which they are a linear function.
        found = [t if t is None else _apart(t) for t in found]
    rest = iter(found)
    pushed = []
    for u in upper:
        tangent = None if u is None else next(rest)
        pushed.append(zeros(u) if u is not None and tangent is None else tangent)
    return tuple(pushed) if several else pushed[0]


def is_followed(t: Any) -> bool:
    """Whether somebody differentiates t, or what lies in it where it is one example of a batch."""
    while isinstance(t, TensorBase):
        if wants_grad(t):
            return True
        t = getattr(held(t), "value", None)
    return False


def _apart(t: TensorBase) -> Tensor:
    """A tensor on the memory of t that nobody differentiates; it keeps the tangents of other levels."""
    with no_grad():
        out: Tensor = apply(variable, t)
    out._view_ = None
    return out


def freed(t: TensorBase) -> Tensor:
    """A variable of its own on the memory of t: what gradients are taken in, at this level."""
    out: Tensor = apply(variable, t)
    out._requires_grad_ = True
    if is_inference(out):
        out._changes_ = [0, None]
    return out
