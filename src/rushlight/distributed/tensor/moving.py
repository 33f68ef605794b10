"""A tensor on a mesh is brought to other placements: gathered, cut, summed. What goes one way, comes back in backward.

The gradient of what is whole is whole, of what is cut it is cut, and of what is still to be summed it is that of
the sum: whole. By that rule alone, gradients of the parts are right whatever was done with them in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.function import Function
from rushlight.autograd.state import no_grad
from rushlight.distributed.collectives import all_gather_single, all_reduce, reduce_scatter_single
from rushlight.distributed.reducing import ReduceOp
from rushlight.distributed.tensor.placement_types import (
    Partial,
    Placement,
    Replicate,
    Shard,
    _NormPartial,
    piece,
)

_OPS = {
    "sum": ReduceOp.SUM, "avg": ReduceOp.SUM, "max": ReduceOp.MAX, "min": ReduceOp.MIN, "product": ReduceOp.PRODUCT,
}  # fmt: skip


def dual(placements: Sequence[Placement]) -> tuple[Placement, ...]:
    """How the gradient lies of what lies so."""
    return tuple(p if isinstance(p, Shard) else Replicate() for p in placements)


def moved(
    local: Tensor,
    mesh: Any,
    shape: Sequence[int],
    before: Sequence[Placement],
    after: Sequence[Placement],
) -> Tensor:
    """The part of this process under other placements; nothing is recorded.

    Sides are taken apart from the last to the first, and cut from the first to the last: where two
    sides cut one dimension, the later cuts the pieces of the earlier.
    """
    now = list(before)
    for side in reversed(range(mesh.ndim)):
        old, new = now[side], after[side]
        outer = _cut_dims(before, after, side)
        if old == new and not (isinstance(old, Shard) and old.dim in outer):
            continue
        if isinstance(old, Partial):
            if isinstance(new, Shard) and not outer and _scatters(old, now, side, new.dim):
                local = _scattered(local, mesh, side, old, new.dim)
                now[side] = new
                continue
            local = _reduced(local, mesh, side, old)
        elif isinstance(old, Shard):
            local = _gathered(local, mesh, side, old.dim, _size_at(shape, mesh, now, side, old.dim))
        now[side] = Replicate()
    for side in range(mesh.ndim):
        new, where = after[side], _index(mesh, side)
        if now[side] == new:
            continue
        if isinstance(new, Shard):
            local = local.narrow(new.dim, *piece(local.shape[new.dim], mesh.size(side), where))
        elif local.is_floating_point() and new == Partial():
            local = local / mesh.size(side)
        elif where and new != Partial("avg"):
            local = local.new_zeros(local.shape)
    return local.clone() if local._view_ is not None else local


def _cut_dims(before: Sequence[Placement], after: Sequence[Placement], side: int) -> set[int]:
    """The dimensions whose cuts by earlier sides change."""
    changing = [(b, a) for b, a in zip(before[:side], after[:side], strict=True) if b != a]
    return {p.dim for pair in changing for p in pair if isinstance(p, Shard)}


def _scatters(old: Partial, now: Sequence[Placement], side: int, dim: int) -> bool:
    """Whether summing and cutting is one step: nobody later has cut the dimension."""
    later = any(isinstance(p, Shard) and p.dim == dim for p in now[side + 1 :])
    return not later and old.reduce_op in ("sum", "avg") and not isinstance(old, _NormPartial)


def _index(mesh: Any, side: int) -> int:
    where = mesh.get_coordinate()
    return where[side] if where else 0


def _size_at(
    shape: Sequence[int], mesh: Any, placements: Sequence[Placement], side: int, dim: int
) -> int:
    """How long a dimension is for the processes of a side together."""
    size = shape[dim]
    for outer in range(side):
        placement = placements[outer]
        if isinstance(placement, Shard) and placement.dim == dim:
            size = piece(size, mesh.size(outer), _index(mesh, outer))[1]
    return size


def _rows(local: Tensor, dim: int, length: int) -> Tensor:
    """The dimension first, and zeros behind up to that length."""
    rows = local.movedim(dim, 0)
    if rows.shape[0] == length:
        return rows.contiguous()
    padded = rows.new_zeros((length, *rows.shape[1:]))
    padded.narrow(0, 0, rows.shape[0]).copy_(rows)
    return padded


def _gathered(local: Tensor, mesh: Any, side: int, dim: int, size: int) -> Tensor:
    parts = mesh.size(side)
    if parts == 1:
        return local
    each = -(-size // parts)
    rows = _rows(local, dim, each)
    whole = rows.new_empty((each * parts, *rows.shape[1:]))
    all_gather_single(whole, rows, mesh.get_group(side))
    return whole.narrow(0, 0, size).movedim(0, dim).contiguous()


def _reduced(local: Tensor, mesh: Any, side: int, old: Partial) -> Tensor:
    if mesh.size(side) == 1:
        return local
    result = local.clone().contiguous()
    power = float(old.norm_type) if isinstance(old, _NormPartial) else 1.0
    group = mesh.get_group(side)
    if power in (float("inf"), float("-inf")):
        all_reduce(result, ReduceOp.MAX if power > 0 else ReduceOp.MIN, group)
        return result
    if power not in (0.0, 1.0):
        result = result**power
    all_reduce(result, _OPS[old.reduce_op], group)
    if old.reduce_op == "avg":
        result = result / mesh.size(side)
    return result if power in (0.0, 1.0) else result ** (1 / power)


def _scattered(local: Tensor, mesh: Any, side: int, old: Partial, dim: int) -> Tensor:
    parts, size = mesh.size(side), local.shape[dim]
    each = -(-size // parts)
    rows = _rows(local, dim, each * parts)
    own = rows.new_empty((each, *rows.shape[1:]))
    reduce_scatter_single(own, rows, group=mesh.get_group(side))
    own = own.narrow(0, 0, piece(size, parts, _index(mesh, side))[1])
    return (own / parts if old.reduce_op == "avg" else own).movedim(0, dim).contiguous()


class Moved(Function):
    """`moved`, with its way back."""

    @staticmethod
    def forward(ctx: Any, local: Tensor, mesh: Any, shape: Any, before: Any, after: Any) -> Tensor:
        """The part under the other placements."""
        ctx.how = mesh, shape, before, after
        result = moved(local, mesh, shape, before, after)
        if any(_chooses(p) for p in before):
            whole = moved(result, mesh, shape, after, (Replicate(),) * mesh.ndim)
            ctx.save_for_backward(local, whole)
        return result if result is not local else local.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient, moved back."""
        mesh, shape, before, after = ctx.how
        with no_grad():
            g = moved(g, mesh, shape, dual(after), dual(before))
            for side, placement in enumerate(before):
                if not isinstance(placement, Partial) or isinstance(after[side], Partial):
                    continue
                if placement.reduce_op == "avg":
                    g = g / mesh.size(side)
                elif _chooses(placement):
                    g = g * _share(ctx.saved_tensors, mesh, side, placement)
        return g, None, None, None, None


def _chooses(placement: Placement) -> bool:
    """Whether the result of a reduction depends on its parts otherwise than as a sum."""
    return isinstance(placement, _NormPartial) or (
        isinstance(placement, Partial) and placement.reduce_op in ("max", "min")
    )


def _share(saved: Any, mesh: Any, side: int, placement: Any) -> Tensor:
    """The derivative of a maximum, or of a norm of norms, by the part of this process."""
    local, result = saved
    power = float(placement.norm_type) if isinstance(placement, _NormPartial) else float("inf")
    if abs(power) != float("inf"):
        return ((local / result).nan_to_num(0.0)) ** (power - 1)
    mine = (local == result).to(result.dtype)
    count = mine.clone()
    all_reduce(count, group=mesh.get_group(side))
    return mine / count


class Gradient(Function):
    """A tensor as it is; its gradient lies as `before`, and is moved to `after`."""

    @staticmethod
    def forward(ctx: Any, local: Tensor, mesh: Any, shape: Any, before: Any, after: Any) -> Tensor:
        """The tensor."""
        ctx.how = mesh, shape, before, after
        return local.view(local.shape)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient, moved."""
        with no_grad():
            return moved(g, *ctx.how), None, None, None, None


class Whole(Function):
    """A tensor as it is; its gradient, of which each process has a part, is summed over these sides."""

    @staticmethod
    def forward(ctx: Any, local: Tensor, mesh: Any, sides: Any) -> Tensor:
        """The tensor."""
        ctx.how = mesh, sides
        return local.view(local.shape)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The sum."""
        mesh, sides = ctx.how
        with no_grad():
            for side in sides:
                g = _reduced(g, mesh, side, Partial())
        return g, None, None
