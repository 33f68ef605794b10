"""Collectives that are differentiated: of one process, each is the tensor again."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.distributed import collectives
from rushlight.distributed.groups import ReduceOp


def all_reduce(tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """A tensor of the sum over all processes; the gradient is the sum of theirs."""
    result = tensor.clone()
    collectives.all_reduce(result, op, group)
    return result


def reduce(tensor: Tensor, dst: int, op: Any = ReduceOp.SUM, group: Any = None) -> Tensor:
    """`all_reduce`, for one process."""
    result = tensor.clone()
    collectives.reduce(result, dst, op, group)
    return result


def broadcast(tensor: Tensor, src: int, group: Any = None) -> Tensor:
    """The tensor of one process."""
    result = tensor.clone()
    collectives.broadcast(result, src, group)
    return result


def all_gather(tensor: Tensor, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes."""
    return (all_reduce(tensor, group=group),)


def gather(tensor: Tensor, dst: int = 0, group: Any = None) -> tuple[Tensor, ...]:
    """The tensors of all processes, for one of them."""
    return (reduce(tensor, dst, group=group),)


def scatter(tensors: Any, src: int = 0, group: Any = None) -> Tensor:
    """A tensor for each process."""
    return broadcast(tensors[0], src, group)


def reduce_scatter(
    output: Tensor, input_list: Any, op: Any = ReduceOp.SUM, group: Any = None
) -> Tensor:
    """For each process the sum of one of the tensors of all."""
    return all_reduce(input_list[0], op, group)


def all_to_all(
    output_tensor_list: Any, input_tensor_list: Any, group: Any = None
) -> tuple[Tensor, ...]:
    """A tensor from each process."""
    return (all_reduce(input_tensor_list[0], group=group),)


def all_to_all_single(output: Tensor, input: Tensor, *sizes: Any, group: Any = None) -> Tensor:
    """A part of the tensor of each process."""
    return all_reduce(input, group=group)
