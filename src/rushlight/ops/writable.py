"""Whether a change in place may be made: what autograd says of it, and what memory does."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight.autograd.state import need_own, need_tracked
from rushlight.core import doors
from rushlight.core.state import state
from rushlight.core.tape import refresh, refusal
from rushlight.core.tensor import Array, TensorBase, wants_grad
from rushlight.errors import warn
from rushlight.memory import address, is_repeated, need_distinct
from rushlight.ops.arguments import need_apart

# What writes may do to memory. Most refuse a target that shows an element twice, and arguments that
# lie partly in it; these fill whole regions and take any target,
REGIONS = {
    "conj_physical", "fill", "index_fill", "index_put", "masked_fill", "threshold", "tril", "triu",
    "zero",
}  # fmt: skip
# though torch would rather have these refuse one that is expanded, which it says with an example,
REGRETTED = dict.fromkeys(("index_fill", "masked_fill"), "mask] = scalar")
REGRETTED |= {"index_put": "indices] = tensor"}
# these read their arguments before they write,
READ_FIRST = {"addbmm", "addmm", "addmv", "baddbmm", "fill", "ldexp", "masked_scatter"}
# and these want none of their arguments in the target at all.
DISJOINT = {
    "index_add", "index_copy", "index_fill", "index_put", "index_reduce", "put", "scatter",
    "scatter_add", "scatter_reduce",
}  # fmt: skip
# The single value of these is read before they write.
VALUE_FIRST = {"index_fill"}


def admit(target: TensorBase, *others: Any) -> bool:
    """Whether a change in place is recorded; raise torch's errors for tensors that forbid it.

    others are the arguments of the change; tensors among them may want gradients.
    """
    need_tracked(target)
    if doors.watching:
        need_own(target)
    # Whole numbers and flags have no derivative.
    if not state.grad or target._data_.dtype.kind not in "fcV":
        return False
    wanted = wants_grad(target)
    if not wanted:
        for other in others:
            if isinstance(other, TensorBase) and wants_grad(other):
                break
        else:
            return False
    view = target._view_
    if view is not None:
        if view.made:
            raise RuntimeError(refusal(target))
        if wanted and view.base._node_ is None:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation: "
                "change it under torch.no_grad(), or use the out-of-place form"
            )
    if wanted and target._node_ is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation: change it "
            "under torch.no_grad(), or use the out-of-place form"
        )
    # Views among the arguments find their place now: what cannot is refused before anything is written.
    for other in others:
        if isinstance(other, TensorBase) and other._view_ is not None:
            refresh(other)
    return True


def check_memory(operation: str, target: Array, *others: Any) -> None:
    """Raise torch's errors for a target whose memory this operation cannot write."""
    if 0 in target.strides:
        # Of several dimensions of matrices, torch writes back a copy; real numbers it does not conjugate.
        copied = operation in ("tril", "triu") and target.ndim > 3
        turned = operation == "conj_physical" and target.dtype.kind == "c"
        if copied or turned or operation not in REGIONS:
            need_distinct(target)
        elif operation in REGRETTED and is_repeated(target):
            warn(
                f"Use of {operation}_ on expanded tensors is deprecated. Please clone() the tensor "
                "before performing this operation. This also applies to advanced indexing e.g. "
                f"tensor[{REGRETTED[operation]}"
            )
    if operation in READ_FIRST:
        return
    for other in others:
        if isinstance(other, TensorBase):
            array = other._data_
            if not array.ndim and operation in VALUE_FIRST:
                continue
            if array is target or array.base is not None or target.base is not None:
                need_apart(target, array, disjoint=operation in DISJOINT)


def check_copy(target: TensorBase, region: Array, source: TensorBase, array: Array) -> None:
    """Raise torch's errors for a copy to a region of target from an array of source's elements."""
    if (
        region.strides == array.strides
        and region.shape == array.shape
        and region.dtype == array.dtype
        and target._turned_ is source._turned_
        and address(region) == address(array)
    ):
        # The same elements: torch looks no further.
        return
    if 0 in region.strides:
        need_distinct(region)
    need_apart(region, array)


def check_result(target: TensorBase, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless a result of this shape and type can be written into target."""
    data = target._data_
    if shape != data.shape and np.broadcast_shapes(shape, data.shape) != data.shape:
        raise RuntimeError(
            f"output with shape {list(data.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    if dtype is not data.dtype:
        ours, theirs = dtypes.of(dtype), dtypes.of(data.dtype)
        if ours.category > theirs.category:
            raise RuntimeError(
                f"result type {ours.word} can't be cast to the desired output type {theirs.word}"
            )
