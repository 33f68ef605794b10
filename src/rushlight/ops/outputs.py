"""`out=` where torch records what is written there.

A function of torch's with a derivative refuses `out=` where something wants a gradient
(`arguments.need_unrecorded`). Two kinds of others do not: those that torch composes of operations and copies
into `out`, as anybody could; and those for which it has nobody's derivative, which stand in the graph as a
place that backward cannot go through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rushlight.autograd.state import no_grad
from rushlight.core.state import state
from rushlight.core.tape import refresh
from rushlight.core.tensor import TensorBase, wants_grad
from rushlight.ops.arguments import need_castable, need_unrecorded, relabel, resize_out, write_out
from rushlight.ops.inplace import copy_, rebase, stand_in
from rushlight.ops.writable import admit
from rushlight.primitives.kernel import hang

if TYPE_CHECKING:
    from rushlight._tensor import Tensor


def copy_out(out: Tensor | None, result: Tensor) -> Tensor:
    """The result; or out, with the result copied into it, which is recorded."""
    if out is None or not (state.grad and (wants_grad(result) or wants_grad(out))):
        return write_out(out, result)
    need_castable(result.dtype, out)
    if out._data_.shape != result._data_.shape:
        if wants_grad(out):
            need_unrecorded(out)
        resize_out(out, result._data_)
    return copy_(out, result)


def write_underived(out: Tensor | None, result: Tensor, name: str, *inputs: TensorBase) -> Tensor:
    """The result; or out, with the result in it, whose gradient torch's `name` has no formula for."""
    if out is None:
        return result
    recorded = state.grad and any(map(wants_grad, (out, *inputs)))
    before: tuple[TensorBase, ...] = ()
    if recorded:
        admit(out, *inputs)
        before = (stand_in(out),)
    with no_grad():
        written = write_out(out, result.detach(), same=True)
    if recorded:
        rebase(
            out,
            relabel(
                hang(out.detach(), (*before, *inputs), name), "torch::autograd::NotImplemented"
            ),
        )
        refresh(out)
    return written
