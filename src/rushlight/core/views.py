"""Rows whose results lie in the memory of their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.arrays import as_array
from rushlight.core.tape import attach
from rushlight.core.tensor import (
    INFERRED,
    ORDINARY,
    SEVERAL,
    UNRECORDED,
    Array,
    TensorBase,
    Untracked,
    View,
    inference,
    wrap,
)
from rushlight.core.turned import held, turn, turned
from rushlight.memory import laid, root

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.core.row import Primitive

_ndarray = np.ndarray
_new = object.__new__


def view(row: Primitive, source: TensorBase, static: dict[str, Any], recording: bool) -> Any:
    """Run a row whose output, or outputs, lie in the memory of its input."""
    turning = row.turns
    if source._turned_:
        array, turning = held(source), not turning
    else:
        array = source._data_
    if 0 in array.shape:
        array = laid(array)
    result = array[...] if row.turns else row.forward(array, **static)
    if result.__class__ is tuple:
        made = SEVERAL if recording else UNRECORDED
        out: Any = tuple(_part(row, part, array, source, turning, made) for part in result)
    else:
        made = ORDINARY if recording else UNRECORDED
        out = _part(row, result, array, source, turning, made)
    if recording and (source._requires_grad_ or source._view_ is not None) and row.vjp is not None:
        attach(row, (source,), static, out, False)
    return out


def _part(
    row: Primitive, part: Array, owner: Array, source: TensorBase, turning: bool, made: int
) -> Tensor:
    """A tensor on part, which lies in the memory of source's array or is a copy of it."""
    if part.__class__ is not _ndarray:
        part = as_array(part)
    memory = part.base
    if (memory is None or (memory is not owner and memory is not owner.base)) and not (
        part is owner or (memory is not None and _share(part, owner))
    ):
        return wrap(turned(part) if turning else part)
    out = wrap(part)
    if turning:
        turn(out)
    changes = source._changes_
    if changes.__class__ is not list or inference.on:
        return _inferred(row, out, source)
    # A view counts changes together with its base, and finds the base again.
    out._changes_ = changes
    if row.vjp is not None:
        # Made slot by slot, as `wrap` does: a call of the class takes twice as long.
        out._view_ = own = _new(View)
        own.version = changes[0]
        view = source._view_
        if view is None:
            own.base, own.made = source, made
        else:
            own.base, own.made = view.base, made or view.made
    return out


def _share(part: Array, owner: Array) -> bool:
    return np.may_share_memory(part, owner) or root(part) is root(owner)


def _inferred(row: Primitive, out: Tensor, source: TensorBase) -> Tensor:
    """A view of an inference tensor, or one made in inference mode."""
    changes, view = source._changes_, source._view_
    if changes.__class__ is list:
        if row.vjp is not None:
            out._changes_ = changes
            out._view_ = View(source if view is None else view.base, changes[0], INFERRED)
    elif row.vjp is not None or inference.on:
        out._changes_ = changes if changes.__class__ is Untracked else Untracked((0, None))
    return out
