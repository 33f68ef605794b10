"""The tape: what is applied while gradients are recorded leaves a node behind.

And views, whose memory can be changed under them, find their place on it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.core.node import PrimitiveNode, SavedOutput, SavedOutputs, retain
from rushlight.core.table import NEEDS, OUT, OUT_PART, OUT_SHAPE, REST, SHAPE, STATIC, STEPS, TABLE
from rushlight.core.tensor import (
    CUSTOM,
    INFERRED,
    ORDINARY,
    UNRECORDED,
    Array,
    TensorBase,
    wrap,
)
from rushlight.core.turned import held
from rushlight.errors import NOT_SAVED
from rushlight.memory import address, root

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.core.row import Primitive

# The type of nearly all arrays, asked for by identity: to read a dtype's kind takes longer.
_FLOAT = np.dtype(np.float32)


def attach(
    row: Primitive, inputs: Sequence[Any], static: dict[str, Any], out: Any, always: bool = True
) -> None:
    """Give `out` its node, row applied to inputs; unless always, only if one of these wants a gradient.

    Whole numbers and flags have no derivative.
    """
    if out.__class__ is not tuple:
        data = out._data_
        dtype = data.dtype
        if dtype is not _FLOAT and dtype.kind not in "fcV":
            return
    wants, bit = 0, 1
    edges: list[Any] = []
    numbers: list[int] | None = None
    for t in inputs:
        edge: Any = None
        if isinstance(t, TensorBase):
            if (view := t._view_) is not None and t._changes_[0] != view.version:
                refresh(t)
            if t._requires_grad_ or (view is not None and view.base._requires_grad_):
                wants |= bit
                edge = t._node_
                if edge is None:
                    if t._changes_.__class__ is not list and _unseen(row, inputs):
                        return
                    if t._requires_grad_:
                        edge = t
                    else:
                        # A view that wants a gradient only because its base does hands none on, as in
                        # torch, and nothing is saved for it.
                        wants ^= bit
                        always = True
                elif t._output_nr_:
                    if numbers is None:
                        numbers = [0] * len(inputs)
                    numbers[len(edges)] = t._output_nr_
        edges.append(edge)
        bit += bit
    if not (wants or always):
        return
    plan = row.plans.get(wants) or row.plan(wants)
    if out.__class__ is tuple:
        node = PrimitiveNode(edges, numbers, plan, static)
        node._metas = [(o._data_.shape, o._data_.dtype) for o in out]
        for number, o in enumerate(out):
            if o._data_.dtype.kind in "fcV":
                o._node_ = node
                o._requires_grad_ = True
                if number:
                    o._output_nr_ = number
    else:
        node = PrimitiveNode(edges, numbers, plan, static)
        node._out_shape = data.shape
        node._out_dtype = dtype
        out._node_ = node
        out._requires_grad_ = True
    kept: list[Any] = []
    versions: list[Any] = []
    for i in plan.inputs:
        t = inputs[i] if i < len(inputs) else None
        if isinstance(t, TensorBase):
            changes = t._changes_
            if changes.__class__ is not list:
                raise RuntimeError(NOT_SAVED)
            versions += changes, changes[0]
        kept.append(t)
    for kind, i in plan.others:
        if kind == SHAPE:
            t = inputs[i]
            kept.append(t._data_.shape if isinstance(t, TensorBase) else ())
        elif kind == STATIC:
            kept.append(static.get(i))
        elif kind == STEPS:
            kept.append(inputs[i]._data_.strides)
        elif kind == OUT:
            kept.append(_keep_outputs(out, versions))
        elif kind == OUT_PART:
            part = out[i]
            versions += part._changes_, part._changes_[0]
            kept.append(SavedOutput(part._data_, i))
        elif kind == OUT_SHAPE:
            kept.append(out._data_.shape)
        elif kind == NEEDS:
            kept.append(tuple([edge is not None for edge in edges]))
        elif kind == REST:
            rest = tuple(inputs[i:])
            for t in rest:
                if t._changes_.__class__ is not list:
                    raise RuntimeError(NOT_SAVED)
                versions += t._changes_, t._changes_[0]
            kept.append(rest)
        else:
            kept.append(tuple([t._data_.shape for t in inputs[i:]]))
    node.kept = kept
    node.versions = versions


# What torch makes of tensors alone, numbers among them; and what it writes into new memory.
_OF_TENSORS = {
    "add", "copysign", "div", "floor_divide", "floor_division", "fmod", "mul", "remainder", "sub",
    "trunc_divide", "xlogy",
}  # fmt: skip
_COPYING = {"clone", "compact", "convert", "pad", "sort"}


def _unseen(row: Primitive, inputs: Sequence[Any]) -> bool:
    """Whether autograd does not see a call: all of its tensors were made in inference mode."""
    if row.name in _COPYING:
        return False
    for t in inputs:
        if t._changes_.__class__ is list if isinstance(t, TensorBase) else row.name in _OF_TENSORS:
            return False
    return True


def _keep_outputs(out: Any, versions: list[Any]) -> Any:
    if out.__class__ is not tuple:
        versions += out._changes_, out._changes_[0]
        return SavedOutput(out._data_, 0)
    for o in out:
        versions += o._changes_, o._changes_[0]
    return SavedOutputs(tuple(SavedOutput(o._data_, n) for n, o in enumerate(out)))


def refresh(tensor: TensorBase) -> None:
    """A view whose memory was changed since: find its place in the graph anew."""
    view = tensor._view_
    if view is None or tensor._changes_[0] == view.version:
        return
    base = view.base
    if tensor._node_ is None and not base._requires_grad_:
        return
    if view.made:
        raise RuntimeError(refusal(tensor, "its base or another view of its base has been"))
    view.version = tensor._changes_[0]
    before, tensor._node_ = tensor._node_, None
    tensor.__dict__.pop("_output_nr_", None)
    if tensor._data_.dtype.kind not in "fcV":
        return
    attach_part(base, tensor)
    if tensor._retains_grad_:
        retain(tensor, before)


def refusal(tensor: TensorBase, what: str = "is being") -> str:
    """Why a view that was not made in the ordinary way cannot be changed in place and recorded."""
    view, node = tensor._view_, tensor._node_
    made = ORDINARY if view is None else view.made
    mode = {INFERRED: "inference", UNRECORDED: "no_grad"}.get(made)
    told = f"Output {tensor._output_nr_} of {node.name()}" if node is not None else "A view"
    if mode is not None or node is None:
        kind = " is a view of a view which was" if node is not None else " was"
        told = f"{told}{kind} created in {mode or 'no_grad'} mode and {what} modified inplace "
        told += "in normal mode. " if mode == "inference" else "with grad mode enabled. "
        return told + (
            "Which of the two was meant is not clear: make the view and the change both inside the "
            f"{mode or 'no_grad'} block (the change is not recorded) or both outside (it is)."
        )
    told = f"{told} is a view and {what} modified inplace. "
    if made == CUSTOM:
        return told + (
            "It was made inside a custom Function (or handed through one), whose backward the change "
            "would bypass: .clone() the output of the Function first."
        )
    return told + (
        "It is one of several views that a single function returned, and these cannot be changed in "
        "place while recording: use the out-of-place form."
    )


def attach_part(base: TensorBase, part: TensorBase) -> None:
    """Give part, which lies in base's memory, its node."""
    strided, pairs = TABLE["as_strided"], TABLE["view_as_real"]
    whole, place = held(base), held(part)
    turning = base._turned_ is not part._turned_
    # What stands in the graph where the part does, but for the conjugation or negation.
    straight: Any = wrap(place) if turning else part
    if (whole.dtype.kind == "c") == (place.dtype.kind == "c"):
        attach(strided, (base,), geometry(whole, place), straight)
    elif whole.dtype.kind == "c":
        real = attached(pairs, base)
        attach(strided, (real,), geometry(real._data_, place), straight)
    else:
        real = wrap(pairs.forward(place))
        attach(strided, (base,), geometry(whole, real._data_), real)
        attach(TABLE["view_as_complex"], (real,), {}, straight)
    if turning:
        attach(TABLE["conj_view" if place.dtype.kind == "c" else "neg_view"], (straight,), {}, part)


def attached(row: Primitive, source: TensorBase) -> Tensor:
    """The row applied to source and recorded, whether or not recording is on."""
    out = wrap(row.forward(source._data_))
    attach(row, (source,), {}, out)
    return out


def geometry(base: Array, part: Array) -> dict[str, Any]:
    """Where a view lies relative to its base: sizes, strides and offset, counted in elements."""
    start = address(part) - address(base)
    memory, other = root(part), root(base)
    if memory is not other:
        # One of them moved since: as in torch, the places that they had in their memories count.
        start += address(other) - address(memory)
    return {
        "size": part.shape,
        "stride": tuple(s // part.itemsize for s in part.strides),
        "offset": start // part.itemsize,
        "layout": tuple(s // base.itemsize for s in base.strides),
    }
