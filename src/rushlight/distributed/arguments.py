"""What collectives take, checked as gloo checks it: a program that runs here is one that runs there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import is_grad_enabled
from rushlight.distributed.groups import Backend, ProcessGroup, get_group_rank
from rushlight.distributed.reducing import RedOpType, ReduceOp, supports_complex

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


def _storable(group: ProcessGroup, *tensors: Tensor, complex_too: bool = True) -> None:
    """RuntimeError for what gloo does not send; MPI sends everything."""
    for tensor in tensors:
        if group.name() != Backend.MPI and (
            tensor.dtype not in _TYPES or (tensor.is_complex() and not complex_too)
        ):
            raise RuntimeError(
                f"Invalid scalar type: gloo does not send {tensor.dtype}: take 'mpi'"
            )


def _peer(
    group: ProcessGroup, rank: int | None, in_group: int | None, default: int | None = None
) -> int:
    """A rank of the group, from its number in the world or in the group."""
    if isinstance(rank, float) or isinstance(in_group, float):
        raise TypeError(f"a rank is a whole number, not {rank if in_group is None else in_group}")
    if rank is not None and in_group is not None:
        raise ValueError("Can't specify both group_rank and global_rank")
    if in_group is not None:
        return in_group
    if rank is None:
        if default is None:
            raise ValueError("Must specify global_rank or group_rank")
        return default
    return get_group_rank(group, rank)


def _root(group: ProcessGroup, rank: int, operation: str) -> int:
    if not 0 <= rank < group.size():
        raise RuntimeError(f"ProcessGroupGloo::{operation}: invalid root rank: {rank}")
    return rank


def _count(tensors: Sequence[Any], size: int, operation: str, what: str = "output") -> None:
    if len(tensors) != size:
        raise RuntimeError(
            f"ProcessGroupGloo::{operation}: invalid {what} tensor list at index 0 (expected length {size}, "
            f"got {len(tensors)})"
        )


def _as_many(shape: Any, count: int, operation: str) -> None:
    if shape.numel() != count:
        raise RuntimeError(
            f"ProcessGroupGloo::{operation}: invalid tensor size at index 0 (expected {count} elements, "
            f"got {tuple(shape)})"
        )


def _alike(group: ProcessGroup, tensors: Sequence[Tensor], shape: Any, operation: str) -> None:
    """Gloo takes one shape for all, MPI as many elements."""
    for index, tensor in enumerate(tensors):
        if group.name() == Backend.MPI:
            _as_many(tensor.shape, shape.numel(), operation)
        elif tensor.shape != shape:
            raise RuntimeError(
                f"ProcessGroupGloo::{operation}: invalid tensor size at index {index} (expected "
                f"({', '.join(map(str, shape))}), got ({', '.join(map(str, tensor.shape))}))"
            )


def _one_type(operation: str, output: Tensor, input: Tensor) -> None:
    if output.dtype != input.dtype:
        raise RuntimeError(
            f"ProcessGroupGloo::{operation}: invalid tensor type at index 0 (expected {input.dtype}, got "
            f"{output.dtype})"
        )


def _writable(*targets: Tensor) -> None:
    """What gloo copies into afterwards is an ordinary in-place change."""
    if is_grad_enabled() and any(target.requires_grad and target.is_leaf for target in targets):
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )


def _reducible(group: ProcessGroup, tensor: Tensor, op: Any, operation: str = "all_reduce") -> None:
    _tensor(tensor)
    if not isinstance(op, ReduceOp | RedOpType):
        raise TypeError(f"{operation}: op is one of dist.ReduceOp, not {op!r}")
    kind = RedOpType(int(op))
    if tensor.is_complex() and not supports_complex(kind):
        wrong = RuntimeError if operation == "reduce" else ValueError
        raise wrong(f"{operation} does not support RedOpType.{kind.name} on complex tensors")
    _storable(group, tensor)
    if kind is ReduceOp.PREMUL_SUM:
        if group.name() != Backend.MPI:
            raise RuntimeError("Cannot use ReduceOp.PREMUL_SUM with Gloo")
        if getattr(op, "factor", None) is None:
            raise ValueError(
                "PREMUL_SUM has a factor: make it with dist._make_nccl_premul_sum(factor)"
            )
    if kind in _BITS and tensor.dtype.is_floating_point:
        raise RuntimeError(f"Cannot use ReduceOp.{kind.name} with non-integral dtype")
    if kind is ReduceOp.AVG and not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        raise RuntimeError(
            f"result type Float can't be cast to the desired output type {tensor.dtype.word}"
        )
