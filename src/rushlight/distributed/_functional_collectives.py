"""Collectives that give new tensors, which are called as torch calls what may be under way. They have arrived."""

from __future__ import annotations

from typing import Any

from rushlight._tensor import Tensor
from rushlight.distributed import collectives
from rushlight.distributed.groups import _Made, _resolve, get_process_group_ranks, new_group
from rushlight.distributed.nn import functional
from rushlight.distributed.reducing import ReduceOp
from rushlight.ops.joining import cat
from rushlight.ops.legacy import as_subclass
from rushlight.overriding.asking import disabled_torch_function


class AsyncCollectiveTensor(Tensor):
    """A tensor of others, until it is used: what is computed from it is an ordinary one."""

    __slots__ = ()

    __torch_function__: Any = disabled_torch_function

    def wait(self) -> Tensor:
        """The ordinary tensor."""
        return as_subclass(self, Tensor)

    trigger_wait = wait

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return f"AsyncCollectiveTensor({self.wait()!r})"


def _sent(tensor: Tensor) -> Tensor:
    return as_subclass(tensor, AsyncCollectiveTensor)


def _group(group: Any) -> Any:
    """The group that is meant: itself, its name, a mesh (of one side, or with the number of a side), its ranks."""
    if isinstance(group, str):
        return next(made for made in _Made.groups if made.group_name == group)
    if isinstance(group, tuple):
        return group[0].get_group(group[1])
    if isinstance(group, list):
        known = (made for made in _Made.groups if get_process_group_ranks(made) == sorted(group))
        return next(known, None) or new_group(group)
    return group.get_group() if hasattr(group, "get_group") else _resolve(group)


def wait_tensor(tensor: Tensor) -> Tensor:
    """The tensor: it has arrived."""
    return tensor.wait() if isinstance(tensor, AsyncCollectiveTensor) else tensor


def all_reduce(self: Tensor, reduceOp: str, group: Any = None, tag: str = "") -> Tensor:
    """A tensor of the sum over all processes."""
    return _sent(functional.all_reduce(self, getattr(ReduceOp, reduceOp.upper()), _group(group)))


def all_gather_tensor(
    self: Tensor, gather_dim: int = 0, group: Any = None, tag: str = ""
) -> Tensor:
    """The tensors of all processes, along a dimension."""
    return _sent(cat(functional.all_gather(self, _group(group)), gather_dim))


all_gather_tensor_autograd = all_gather_tensor


def broadcast(self: Tensor, src: int, group: Any = None, tag: str = "") -> Tensor:
    """The tensor of one process."""
    result = self.clone()
    collectives.broadcast(result, src, _group(group))
    return _sent(result)


def reduce_scatter_tensor(
    self: Tensor, reduceOp: str, scatter_dim: int = 0, group: Any = None, tag: str = ""
) -> Tensor:
    """Each process's part of the sum."""
    found = _group(group)
    size = _resolve(found).size()
    if self.shape[scatter_dim] % size:
        raise AssertionError(
            f"input dimension {scatter_dim} ({self.shape[scatter_dim]} must be a multiple of group_size {size})"
        )
    parts = self.chunk(size, scatter_dim)
    return _sent(
        functional.reduce_scatter(parts[0], parts, getattr(ReduceOp, reduceOp.upper()), found)
    )


reduce_scatter_tensor_autograd = reduce_scatter_tensor


def all_to_all_single(self: Tensor, output_split_sizes: Any, input_split_sizes: Any, group: Any = None,
                      tag: str = "") -> Tensor:  # fmt: skip
    """A part of the tensor of each process."""
    found = _group(group)
    rows = self.shape[0] if output_split_sizes is None else sum(output_split_sizes)
    output = self.new_empty((rows, *self.shape[1:]))
    return _sent(
        functional.all_to_all_single(output, self, output_split_sizes, input_split_sizes, found)
    )


all_to_all_single_autograd = all_to_all_single
