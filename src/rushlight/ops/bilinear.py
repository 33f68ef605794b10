"""x1 A x2: the bilinear form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.core.state import state
from rushlight.ops.arguments import need_tensor
from rushlight.ops.precision import lowered
from rushlight.primitives.kernel import entering

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x1 A_k x2 + b_k for every k: [*, M] and [*, N] with weight [K, M, N] give [*, K]."""
    for position, (name, tensor) in enumerate(
        (("input1", input1), ("input2", input2), ("weight", weight)), 1
    ):
        need_tensor("bilinear", name, position, tensor)
    if len({t._data_.dtype for t in (input1, input2, weight)}) > 1:
        raise RuntimeError(
            f"bilinear(): All tensors must have the same dtype, got input1: {input1.dtype}, input2: "
            f"{input2.dtype}, weight: {weight.dtype}"
        )
    first, second, form = input1._data_.shape, input2._data_.shape, weight._data_.shape
    if len(first) != len(second):
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {len(first)} and {len(second)}"
        )
    for d, (a, b) in enumerate(zip(first[:-1], second[:-1], strict=True)):
        if a != b:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {d}: got {a} and {b}"
            )
    if len(form) != 3:
        raise RuntimeError(f"bilinear(): weight must have 3 dimensions, got {list(form)}")
    for name, size, wanted in (("input1", first[-1], form[1]), ("input2", second[-1], form[2])):
        if size != wanted:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got {size} but expected {wanted}"
            )
    if bias is not None and bias._data_.shape != (form[0],):
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {list(bias._data_.shape)} but "
            f"expected {form[0]}"
        )
    left, right, weight = (
        entering(t, itself=False, lies="rows")
        for t in (input1.reshape((-1, first[-1])), input2.reshape((-1, second[-1])), weight)
    )
    if state.autocast is not None:
        # torch adds up float32 products that were rounded to the lower type.
        out = _forms(*lowered(left, right, weight)).to(left.dtype)
    else:
        out = _forms(left, right, weight)
    out = out.reshape((*first[:-1], form[0]))
    return out if bias is None else out + bias


def _forms(left: Tensor, right: Tensor, weight: Tensor) -> Tensor:
    form = weight._data_.shape
    # A single form stands in the order of the product already, and so does its gradient.
    turned = weight if form[0] == 1 else weight.permute(1, 0, 2)
    half = (left @ turned.reshape((form[1], -1))).reshape((-1, form[0], form[2]))
    return (half @ right.unsqueeze(-1)).squeeze(-1)
