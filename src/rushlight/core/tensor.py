"""A tensor without its operations: an array, a place in the graph, and a count of in-place changes.

The core needs no more than this. `rushlight._tensor.Tensor` adds the
operations, which stand above the engine.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.caller import site, user_line

if TYPE_CHECKING:
    from rushlight._tensor import Tensor
    from rushlight.autograd.hooks import Hooks
    from rushlight.core.node import Node

Array = np.ndarray[Any, np.dtype[Any]]

_new = object.__new__


# How a view was made, if not by an ordinary recorded operation: what forbids to change it in place.
ORDINARY, SEVERAL, UNRECORDED, INFERRED, CUSTOM = range(5)


class View:
    """What a view must know: its base, the count of changes that its node knows of, how it was made."""

    __slots__ = ("base", "version", "made")

    def __init__(self, base: TensorBase, version: int, made: int = ORDINARY) -> None:
        self.base = base
        self.version = version
        self.made = made


class Untracked(list[Any]):
    """In the place of the count of changes: this memory was made in inference mode, and has none."""


class Detached(Untracked):
    """The count that `detach()` and `.data` give an inference tensor again, outside of the mode."""


class TensorBase:
    """Array `_data_`; graph `_node_`, `_requires_grad_`, `_grad`, `_view_`; changes `_changes_`.

    `_changes_`, `[count, site]`, is shared by all that shares the memory; site says what changed it last, and
    where. An `Untracked` one marks an inference tensor. As with Enum, `_data` is left to a program's classes.
    """

    __slots__ = (
        "_data_",
        "_node_",
        "_requires_grad_",
        "_grad",
        "_changes_",
        "_view_",
        "__dict__",
        "__weakref__",
    )

    # Rare facts live in the instance dictionary, which is made when one of them is set.
    _output_nr_: int = 0
    _hooks_: Hooks | None = None
    _retains_grad_: bool = False
    _grad_dtype_: Any = ...  # The type of its gradient, if not its own; None: any.
    # Of a program's class: whether results of operations are of it, and whether it answers below autograd.
    _spreads_ = _dispatches_ = False
    _name_: str | None = None
    _is_argument_: bool = False  # Shown as a leaf: of a function that is differentiated.
    _tangents_: Any = None  # By the levels of forward mode.
    _turned_: bool = False  # Whether this shows its memory conjugated or negated: see `turn`.

    _data_: Array
    _node_: Node | None
    _requires_grad_: bool
    _grad: Any
    _changes_: list[Any]
    _view_: View | None


# Results are instances of this class; rushlight._tensor sets it to Tensor when it defines it.
_result_class: type[TensorBase] = TensorBase


def set_result_class(cls: type[TensorBase]) -> None:
    """Name the class of which `wrap` makes instances."""
    global _result_class
    _result_class = cls


def result_class() -> Any:
    """The class of tensors, for what stands below it."""
    return _result_class


def wrap(array: Array, requires_grad: bool = False) -> Tensor:
    """A leaf tensor around this very array.

    >>> import numpy as np
    >>> wrap(np.zeros(2)).shape
    torch.Size([2])
    """
    tensor = _new(_result_class)
    tensor._data_ = array
    tensor._node_ = None
    tensor._requires_grad_ = requires_grad
    tensor._grad = None
    tensor._changes_ = _first_count() if _inferring else [0, None]
    tensor._view_ = None
    return tensor  # type: ignore[return-value]


class _Inference(threading.local):
    """Whether this thread is in inference mode."""

    on = False
    # Whether gradients were asked for within it.
    asked = False
    # The call of a function that is being differentiated, of which new tensors take note.
    within: Any = None


inference = _Inference()
# How many blocks of it are open, in all threads: nearly always none, and then `wrap` asks no further.
_inferring = 0


def switch_inference(on: bool, opened: int) -> bool:
    """Turn this thread's inference mode on or off at a block's start (1) or end (-1); what it was."""
    global _inferring
    before, inference.on = inference.on, on
    _inferring += opened
    return before


def _first_count() -> list[Any]:
    if inference.on:
        return Untracked((0, None))
    return [0, None] if inference.within is None else [0, None, inference.within]


def made_within(call: Any, opened: int) -> None:
    """Note of tensors in which call they are made, from its start (1) or from another's end (-1)."""
    global _inferring
    inference.within = call
    _inferring += opened


def is_inference(tensor: TensorBase) -> bool:
    """Whether a tensor was made in inference mode: it has no count of changes."""
    return isinstance(tensor._changes_, Untracked)


def wants_grad(tensor: TensorBase) -> bool:
    """Whether gradients flow to or through a tensor, or to the tensor of which it is a view."""
    view = tensor._view_
    return tensor._requires_grad_ or (view is not None and view.base._requires_grad_)


def bump(tensor: TensorBase, operation: str) -> None:
    """Count an in-place change; remember which operation on which of the user's lines made it."""
    changes = tensor._changes_
    if changes.__class__ is Untracked:
        return
    changes[0] += 1
    changes[1] = (operation, site.line or user_line())
