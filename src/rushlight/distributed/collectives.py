"""What the processes of a group do with tensors; a group of one process has done most of it beforehand.

Arguments are checked as gloo checks them: a program that runs here is one that runs there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.tensor import bump
from rushlight.distributed.groups import (
    RedOpType,
    ReduceOp,
    Work,
    _get_default_group,
    _resolve,
    supports_complex,
)

# What gloo takes.
_TYPES = {
    dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int32, dtypes.int64, dtypes.float16, dtypes.bfloat16,
    dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128,
}  # fmt: skip
_BITS = (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)


def _tensor(value: Any, name: str = "tensor") -> None:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor\n"
            f"             but got {type(value)} instead."
        )


def _tensors(values: Any, name: str) -> None:
    if not isinstance(values, list) or not all(isinstance(v, Tensor) for v in values):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor]\n"
            f"             but got {type(values)} instead."
        )


def _same_types(*tensors: Tensor) -> None:
    for other in tensors[1:]:
        if other.dtype != tensors[0].dtype:
            raise ValueError(
                f"Invalid usage of tensors with different dtypes"
                f"Found {tensors[0].dtype} and  {other.dtype}"
            )


def _storable(tensor: Tensor) -> None:
    if tensor.dtype not in _TYPES:
        raise RuntimeError(f"Invalid scalar type: gloo does not send {tensor.dtype}")


def _root(rank: int | None, operation: str) -> None:
    if rank not in (None, 0):
        raise RuntimeError(f"ProcessGroupGloo::{operation}: invalid root rank: {rank}")


def _one(tensors: Sequence[Any], operation: str) -> None:
    if len(tensors) != 1:
        raise RuntimeError(
            f"ProcessGroupGloo::{operation}: invalid output tensor list at index 0 (expected length 1, "
            f"got {len(tensors)})"
        )


def _done(group: Any, async_op: bool, *tensors: Tensor) -> Work | None:
    _resolve(group)
    return Work(list(tensors)) if async_op else None


def _fill(target: Tensor, source: Tensor, operation: str) -> None:
    """What this process sends to itself arrives."""
    if target.shape.numel() != source.shape.numel():
        raise RuntimeError(
            f"ProcessGroupGloo::{operation}: invalid tensor size at index 0 (expected "
            f"{tuple(source.shape)}, got {tuple(target.shape)})"
        )
    with no_grad():
        target.copy_(source.reshape(target.shape))


def _reducible(tensor: Tensor, op: Any) -> None:
    _tensor(tensor)
    kind = RedOpType(op)
    if tensor.is_complex() and not supports_complex(kind):
        raise ValueError(f"all_reduce does not support RedOpType.{kind.name} on complex tensors")
    _storable(tensor)
    if kind is ReduceOp.PREMUL_SUM:
        raise RuntimeError("Cannot use ReduceOp.PREMUL_SUM with Gloo")
    if kind in _BITS and tensor.dtype.is_floating_point:
        raise RuntimeError(f"Cannot use ReduceOp.{kind.name} with non-integral dtype")
    if kind is ReduceOp.AVG and not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {tensor.dtype.word}"
        )
    if kind is ReduceOp.AVG:
        # gloo divides the sum by the number of processes, in place.
        bump(tensor, "all_reduce")


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """The sum (or what op says) over all processes, in place: the tensor as it is."""
    _resolve(group)
    _reducible(tensor, op)
    return _done(group, async_op, tensor)


def all_reduce_coalesced(
    tensors: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """`all_reduce` of several tensors."""
    tensors = [tensors] if isinstance(tensors, Tensor) else tensors
    _tensors(tensors, "tensors")
    for tensor in tensors:
        _reducible(tensor, op)
    return _done(group, async_op, *tensors)


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """`all_reduce` into the tensor of one process."""
    _resolve(group)
    _reducible(tensor, op)
    _root(dst, "reduce")
    return _done(group, async_op, tensor)


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The tensor of one process, for all: the tensor as it is."""
    _tensor(tensor)
    _resolve(group)
    _root(src, "broadcast")
    return _done(group, async_op, tensor)


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes, into a list of as many tensors: one."""
    _tensors(tensor_list, "tensor_list")
    _tensor(tensor)
    _resolve(group)
    _same_types(*tensor_list, tensor)
    _one(tensor_list, "allgather")
    _fill(tensor_list[0], tensor, "allgather")
    return _done(group, async_op, *tensor_list)


def all_gather_coalesced(
    output_tensor_lists: list[list[Tensor]],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """`all_gather` of several tensors."""
    for outputs, tensor in zip(output_tensor_lists, input_tensor_list, strict=True):
        all_gather(outputs, tensor, group)
    return _done(group, async_op, *input_tensor_list)


def _moved(
    output: Tensor, input: Tensor, group: Any, async_op: bool, operation: str
) -> Work | None:
    _tensor(output, "output_tensor")
    _tensor(input, "input_tensor")
    _resolve(group)
    _same_types(output, input)
    _fill(output, input, operation)
    return _done(group, async_op, output)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes, one after the other in one tensor."""
    return _moved(output_tensor, input_tensor, group, async_op, "allgather")


all_gather_single = _all_gather_base = all_gather_into_tensor


def gather(
    tensor: Tensor,
    gather_list: list[Tensor] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """The tensors of all processes, into a list of one of them."""
    _tensor(tensor)
    _resolve(group)
    if gather_list is None:
        raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
    _root(dst, "gather")
    _same_types(*gather_list, tensor)
    _one(gather_list, "gather")
    _fill(gather_list[0], tensor, "gather")
    return _done(group, async_op, *gather_list)


def scatter(
    tensor: Tensor,
    scatter_list: list[Tensor] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """A tensor for each process, from a list of one of them."""
    _tensor(tensor)
    _resolve(group)
    if scatter_list is None:
        raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
    _root(src, "scatter")
    _same_types(*scatter_list, tensor)
    _one(scatter_list, "scatter")
    _fill(tensor, scatter_list[0], "scatter")
    return _done(group, async_op, tensor)


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of one of the tensors in the lists of all."""
    _tensors(input_list, "input_list")
    _resolve(group)
    _one(input_list, "reduce_scatter")
    _reducible(input_list[0], op)
    return _moved(output, input_list[0], group, async_op, "reduce_scatter")


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of its part of the tensors of all."""
    _resolve(group)
    _reducible(input, op)
    return _moved(output, input, group, async_op, "reduce_scatter")


reduce_scatter_single = _reduce_scatter_base = reduce_scatter_tensor


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a tensor from each."""
    _tensors(output_tensor_list, "output_tensor_list")
    _tensors(input_tensor_list, "input_tensor_list")
    _one(input_tensor_list, "alltoall")
    _one(output_tensor_list, "alltoall")
    return _moved(output_tensor_list[0], input_tensor_list[0], group, async_op, "alltoall")


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Any = None,
    input_split_sizes: Any = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a part of the tensor of each."""
    return _moved(output, input, group, async_op, "alltoall")


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait for all processes: for nobody."""
    return _done(group, async_op)


def monitored_barrier(
    group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """Wait for all processes, and say who does not come: for nobody."""
    _done(group, False)


def _alone(rank: int | None, what: str) -> None:
    _get_default_group()
    if rank == 0:
        raise ValueError(
            f"Invalid {what} rank: {what} rank should not be the same as the rank of the current process."
        )
    raise RuntimeError(f"rushlight runs in one process: there is no process {rank}")


def send(
    tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: Any = None
) -> None:
    """An error: there is no other process."""
    _tensor(tensor)
    _alone(dst, "destination")


def recv(
    tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: Any = None
) -> int:
    """An error: there is no other process."""
    _tensor(tensor)
    _alone(src, "source")
    return 0


def isend(
    tensor: Tensor, dst: int | None = None, group: Any = None, tag: int = 0, group_dst: Any = None
) -> Any:
    """An error: there is no other process."""
    send(tensor, dst)


def irecv(
    tensor: Tensor, src: int | None = None, group: Any = None, tag: int = 0, group_src: Any = None
) -> Any:
    """An error: there is no other process."""
    recv(tensor, src)


class P2POp:
    """A `isend` or `irecv` for `batch_isend_irecv`."""

    def __init__(
        self, op: Any, tensor: Tensor, peer: int | None = None, group: Any = None, tag: int = 0,
        group_peer: int | None = None,
    ) -> None:  # fmt: skip
        if op not in (isend, irecv):
            raise ValueError("Invalid ``op``. Expected ``op`` to be of type ``torch.distributed.isend`` or "
                             "``torch.distributed.irecv``.")  # fmt: skip
        _tensor(tensor)
        self.op, self.tensor, self.peer, self.group, self.tag = op, tensor, peer, group, tag


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Any]:
    """The works of several `isend` and `irecv`."""
    p2p_op_list[0]  # an IndexError, as in torch, for none
    return [p.op(p.tensor, p.peer, p.group, p.tag) for p in p2p_op_list]
