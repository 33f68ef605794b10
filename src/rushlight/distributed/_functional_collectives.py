"""Collectives that give new tensors: of one process, copies."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.distributed import nn
from rushlight.distributed.groups import ReduceOp


class AsyncCollectiveTensor(Tensor):
    """A tensor that is still to arrive; with one process there is none."""


def wait_tensor(tensor: Tensor) -> Tensor:
    """The tensor: it has arrived."""
    return tensor


def all_reduce(self: Tensor, reduceOp: str, group: Any = None, tag: str = "") -> Tensor:
    """A tensor of the sum over all processes."""
    return nn.all_reduce(self, getattr(ReduceOp, reduceOp.upper()))


def all_gather_tensor(
    self: Tensor, gather_dim: int = 0, group: Any = None, tag: str = ""
) -> Tensor:
    """The tensors of all processes, along a dimension."""
    return nn.all_reduce(self)


all_gather_tensor_autograd = all_gather_tensor


def broadcast(self: Tensor, src: int, group: Any = None, tag: str = "") -> Tensor:
    """The tensor of one process."""
    return nn.broadcast(self, src)


def reduce_scatter_tensor(
    self: Tensor, reduceOp: str, scatter_dim: int = 0, group: Any = None, tag: str = ""
) -> Tensor:
    """Each process's part of the sum."""
    return all_reduce(self, reduceOp)


reduce_scatter_tensor_autograd = reduce_scatter_tensor


def all_to_all_single(self: Tensor, output_split_sizes: Any, input_split_sizes: Any, group: Any = None,
                      tag: str = "") -> Tensor:  # fmt: skip
    """A part of the tensor of each process."""
    return nn.all_reduce(self)


all_to_all_single_autograd = all_to_all_single
