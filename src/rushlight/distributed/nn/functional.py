"""Collectives that are differentiated: what went one way in forward, goes back the other in backward.

Each backward is made of these functions, so that it can be differentiated as well. As in torch, all processes
must run it: a gradient that one of them does not ask for keeps the others waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight._tensor import Tensor
from rushlight.autograd.function import Function
from rushlight.distributed import collectives
from rushlight.distributed.groups import get_rank, get_world_size
from rushlight.distributed.reducing import ReduceOp

__all__ = [
    "all_gather", "all_reduce", "all_to_all", "all_to_all_single", "broadcast", "gather", "reduce",
    "reduce_scatter", "scatter",
]  # fmt: skip


def _dense(tensor: Tensor) -> Tensor:
    return tensor.clone().contiguous()


class _Broadcast(Function):
    @staticmethod
    def forward(ctx: Any, src: int, group: Any, tensor: Tensor) -> Tensor:
        ctx.src, ctx.group = src, group
        result = _dense(tensor)
        collectives.broadcast(result, src, group)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        summed = _Reduce.apply(ctx.src, ReduceOp.SUM, ctx.group, g)
        return None, None, summed if get_rank() == ctx.src else summed * 0


class _Reduce(Function):
    @staticmethod
    def forward(ctx: Any, dst: int, op: Any, group: Any, tensor: Tensor) -> Tensor:
        ctx.dst, ctx.group = dst, group
        result = _dense(tensor)
        collectives.reduce(result, dst, op, group)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return None, None, None, _Broadcast.apply(ctx.dst, ctx.group, g)


class _AllReduce(Function):
    @staticmethod
    def forward(ctx: Any, op: Any, group: Any, tensor: Tensor) -> Tensor:
        ctx.op, ctx.group = op, group
        result = _dense(tensor)
        collectives.all_reduce(result, op, group)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return None, None, _AllReduce.apply(ctx.op, ctx.group, g)


class _AllGather(Function):
    @staticmethod
    def forward(ctx: Any, group: Any, tensor: Tensor) -> tuple[Tensor, ...]:
        ctx.group = group
        parts = [tensor.new_empty(tensor.shape) for _ in range(get_world_size(group))]
        collectives.all_gather(parts, tensor.contiguous(), group)
        return tuple(parts)

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> Any:
        return None, _ReduceScatter.apply(ReduceOp.SUM, ctx.group, *g)


class _ReduceScatter(Function):
    @staticmethod
    def forward(ctx: Any, op: Any, group: Any, *parts: Tensor) -> Tensor:
        ctx.group = group
        own = parts[get_rank(group)]
        result = own.new_empty(own.shape)
        collectives.reduce_scatter(result, [part.contiguous() for part in parts], op, group)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return None, None, *_AllGather.apply(ctx.group, g)


class _Gather(Function):
    @staticmethod
    def forward(ctx: Any, dst: int, group: Any, tensor: Tensor) -> tuple[Tensor, ...]:
        ctx.dst, ctx.group = dst, group
        parts = [tensor.new_zeros(tensor.shape) for _ in range(get_world_size(group))]
        here = get_rank() == dst
        collectives.gather(tensor.contiguous(), parts if here else None, dst, group)
        return tuple(parts)

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> Any:
        return None, None, _Scatter.apply(ctx.dst, ctx.group, *g)


class _Scatter(Function):
    @staticmethod
    def forward(ctx: Any, src: int, group: Any, *parts: Tensor) -> Tensor:
        ctx.src, ctx.group = src, group
        result = parts[0].new_zeros(parts[0].shape)
        here = get_rank() == src
        given = [part.contiguous() for part in parts] if here else None
        collectives.scatter(result, given, src, group)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return None, None, *_Gather.apply(ctx.src, ctx.group, g)


class _AllToAll(Function):
    @staticmethod
    def forward(ctx: Any, group: Any, shapes: Any, *parts: Tensor) -> tuple[Tensor, ...]:
        ctx.group, ctx.shapes = group, [part.shape for part in parts]
        results = [parts[0].new_empty(shape) for shape in shapes]
        collectives.all_to_all(results, [part.contiguous() for part in parts], group)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> Any:
        return None, None, *_AllToAll.apply(ctx.group, ctx.shapes, *g)


class _AllToAllSingle(Function):
    @staticmethod
    def forward(
        ctx: Any, group: Any, shape: Any, output_sizes: Any, input_sizes: Any, input: Tensor
    ) -> Tensor:
        ctx.group, ctx.shape = group, input.shape
        ctx.output_sizes, ctx.input_sizes = output_sizes, input_sizes
        result = input.new_empty(shape)
        collectives.all_to_all_single(result, input.contiguous(), output_sizes, input_sizes, group)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        back = _AllToAllSingle.apply(ctx.group, ctx.shape, ctx.input_sizes, ctx.output_sizes, g)
        return None, None, None, None, back


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """A tensor of the sum over all processes; the gradient is the sum of theirs."""
    return _AllReduce.apply(op, group, tensor)


def reduce(tensor: Tensor, dst: int, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """`all_reduce`, for one process, whose gradient is everybody's."""
    return _Reduce.apply(dst, op, group, tensor)


def broadcast(tensor: Tensor, src: int, group: Any = None) -> Tensor:
    """The tensor of one process, which gets the sum of all gradients."""
    return _Broadcast.apply(src, group, tensor)


def all_gather(tensor: Tensor, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes."""
    return _AllGather.apply(group, tensor)


def gather(tensor: Tensor, dst: int = 0, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes, for one of them; the others have zeros."""
    return _Gather.apply(dst, group, tensor)


def scatter(tensors: Sequence[Tensor], src: int = 0, group: Any = None) -> Tensor:
    """A tensor for each process."""
    return _Scatter.apply(src, group, *tensors)


def reduce_scatter(
    output: Tensor, input_list: Sequence[Tensor], op: Any = ReduceOp.SUM, group: Any = None
) -> Tensor:
    """For each process the sum of one of the tensors of all."""
    return _ReduceScatter.apply(op, group, *input_list)


def all_to_all(
    output_tensor_list: Sequence[Tensor], input_tensor_list: Sequence[Tensor], group: Any = None
) -> tuple[Tensor, ...]:
    """A tensor from each process, in the shapes of the list."""
    shapes = [output.shape for output in output_tensor_list]
    return _AllToAll.apply(group, shapes, *input_tensor_list)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Any = None,
    input_split_sizes: Any = None,
    group: Any = None,
) -> Tensor:
    """A part of the tensor of each process."""
    return _AllToAllSingle.apply(group, output.shape, output_split_sizes, input_split_sizes, input)
