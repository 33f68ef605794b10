"""What the processes of a group do with tensors together.

Arguments are checked as gloo checks them: a program that runs here is one that runs there. Tensors are copied
out at the beginning and written at the end, so that a call that fails has changed nothing, and tensors that
lie in any order arrive as they should.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rushlight import dtypes
from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.doors import into, read
from rushlight.core.tensor import Array, bump, wrap
from rushlight.distributed.groups import (
    Backend,
    ProcessGroup,
    _get_default_group,
    _outside,
    _resolve,
    get_group_rank,
)
from rushlight.distributed.reducing import (
    RedOpType,
    ReduceOp,
    Work,
    arrived,
    sent,
    supports_complex,
)
from rushlight.distributed.wire import Pending, together, watch
from rushlight.errors import warn
from rushlight.primitives import writing

# What gloo takes.
_TYPES = {
    dtypes.bool_, dtypes.uint8, dtypes.int8, dtypes.int32, dtypes.int64, dtypes.float16, dtypes.bfloat16,
    dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128,
}  # fmt: skip
_BITS = (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR)


# ---- arguments -----------------------------------------------------------------------------------


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


def _reducible(group: ProcessGroup, tensor: Tensor, op: Any, operation: str = "all_reduce") -> None:
    _tensor(tensor)
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


# ---- values --------------------------------------------------------------------------------------


def _values(tensor: Tensor) -> Array:
    return read(tensor, "it is sent to other processes")


def _own(tensor: Tensor) -> Array:
    """A copy of the values that may go on its way by itself."""
    return np.array(_values(tensor), order="C", copy=True)


def _fill(target: Tensor, values: Array) -> None:
    """What has arrived is written; it counts as a change."""
    with no_grad():
        target.copy_(wrap(values.reshape(target.shape)))


def _overwrite(target: Tensor, values: Array) -> None:
    """The same, as gloo does it: the tensor does not know of it."""
    into(target, writing.copy, values.reshape(target.shape))


def _empty(shape: Any, tensor: Tensor) -> Array:
    return np.empty(shape, tensor.dtype.numpy)


def _begun(pending: Pending, async_op: bool, *tensors: Tensor) -> Work | None:
    if not async_op:
        pending.wait()
        return None
    watch(pending)
    return Work(list(tensors), pending)


# ---- reductions ----------------------------------------------------------------------------------


def _reduced(tensors: Sequence[Tensor], op: Any, group: ProcessGroup, run: Callable[..., Pending], own: bool = True
             ) -> list[Pending]:  # fmt: skip
    begun = []
    for tensor in tensors:
        values = _values(tensor)
        buffer, name = sent(values, op)

        def finish(tensor: Tensor = tensor, values: Array = values, buffer: Array = buffer) -> None:
            _overwrite(tensor, arrived(buffer if own else values, values, op, group.size()))
            if int(op) == ReduceOp.AVG:
                # gloo divides the sum by the number of processes, in place.
                bump(tensor, "all_reduce")

        begun.append(run(buffer, name, finish))
    return begun


def all_reduce(
    tensor: Tensor, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """The sum (or what op says) over all processes, in place."""
    _tensor(tensor)
    if _outside(group, "all_reduce"):
        return None
    group = _resolve(group)
    _reducible(group, tensor, op)
    (pending,) = _reduced([tensor], op, group, group._wire.reduce_all)
    return _begun(pending, async_op, tensor)


def all_reduce_coalesced(
    tensors: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """`all_reduce` of several tensors."""
    tensors = [tensors] if isinstance(tensors, Tensor) else tensors
    _tensors(tensors, "tensors")
    if _outside(group, "all_reduce_coalesced"):
        return None
    group = _resolve(group)
    _same_types(*tensors)
    for tensor in tensors:
        _reducible(group, tensor, op)
    return _begun(
        together(group._wire, _reduced(tensors, op, group, group._wire.reduce_all)),
        async_op,
        *tensors,
    )


def reduce(
    tensor: Tensor,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """`all_reduce` into the tensor of one process; those of the others stay as they are."""
    _tensor(tensor)
    if _outside(group, "reduce"):
        return None
    group = _resolve(group)
    _reducible(group, tensor, op, "reduce")
    root = _root(group, _peer(group, dst, group_dst), "reduce")

    def run(buffer: Array, name: str, finish: Any) -> Pending:
        return group._wire.reduce_to(buffer, name, root, finish)

    # Under AVG gloo divides what stays as well.
    own = group.rank() == root
    finishing = own or int(op) == ReduceOp.AVG
    (pending,) = _reduced(
        [tensor], op, group, run if finishing else lambda b, n, _: run(b, n, None), own
    )
    return _begun(pending, async_op, tensor)


def reduce_scatter(
    output: Tensor,
    input_list: list[Tensor],
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of one of the tensors in the lists of all."""
    _tensor(output, "output")
    _tensors(input_list, "input_list")
    if _outside(group, "reduce_scatter"):
        return None
    group = _resolve(group)
    _same_types(output, *input_list)
    _count(input_list, group.size(), "reduce_scatter", "input")
    return _scattered(output, input_list, op, group, async_op)


def _scattered(
    output: Tensor, inputs: Sequence[Tensor], op: Any, group: ProcessGroup, async_op: bool
) -> Work | None:
    for part in inputs:
        _reducible(group, part, op, "reduce_scatter")
    counts = [part.numel() for part in inputs]
    own_count = counts[group.rank()] if len(counts) == group.size() else counts[0] // group.size()
    _as_many(output.shape, own_count, "reduce_scatter")
    values = [_values(part).reshape(-1) for part in inputs]
    parts, name = sent(np.concatenate(values), op)
    own = np.empty(own_count, parts.dtype)
    sizes = counts if len(counts) == group.size() else [own_count] * group.size()
    like = _values(output)

    def finish() -> None:
        _fill(output, arrived(own, like, op, group.size()))

    return _begun(group._wire.reduce_scatter(parts, own, sizes, name, finish), async_op, output)


def reduce_scatter_single(
    output: Tensor,
    input: Tensor,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets the sum of its part of the tensors of all."""
    _tensor(output, "output")
    _tensor(input, "input")
    if _outside(group, "reduce_scatter_tensor"):
        return None
    group = _resolve(group)
    _same_types(output, input)
    _as_many(input.shape, output.numel() * group.size(), "reduce_scatter")
    return _scattered(output, [input], op, group, async_op)


def reduce_scatter_tensor(
    output: Tensor,
    input: Tensor,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """The older name of `reduce_scatter_single`."""
    _older("reduce_scatter_tensor", "reduce_scatter_single")
    return reduce_scatter_single(output, input, op, group, async_op)


_reduce_scatter_base = reduce_scatter_single


def _older(name: str, newer: str) -> None:
    warn(
        f"`torch.distributed.{name}` is deprecated. Please use `torch.distributed.{newer}` instead.",
        FutureWarning,
    )


# ---- from one to all, from all to one, from all to all ----------------------------------------------


def broadcast(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """The tensor of one process, for all."""
    _tensor(tensor)
    if _outside(group, "broadcast"):
        return None
    group = _resolve(group)
    root = _root(group, _peer(group, src, group_src), "broadcast")
    _storable(group, tensor)
    buffer = _own(tensor)
    finish = None if group.rank() == root else lambda: _overwrite(tensor, buffer)
    return _begun(group._wire.broadcast(buffer, root, finish), async_op, tensor)


def all_gather(
    tensor_list: list[Tensor], tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes, into a list of as many tensors."""
    _tensors(tensor_list, "tensor_list")
    _tensor(tensor)
    if _outside(group, "all_gather"):
        return None
    group = _resolve(group)
    _same_types(*tensor_list, tensor)
    _count(tensor_list, group.size(), "allgather")
    _storable(group, tensor)
    for target in tensor_list:
        _as_many(target.shape, tensor.numel(), "allgather")
    parts = _empty((group.size(), tensor.numel()), tensor)

    def finish() -> None:
        for target, part in zip(tensor_list, parts, strict=True):
            _fill(target, part)

    return _begun(group._wire.gather_all(_own(tensor), parts, finish), async_op, *tensor_list)


def all_gather_coalesced(
    output_tensor_lists: list[list[Tensor]],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """`all_gather` of several tensors."""
    if _outside(group, "all_gather_coalesced"):
        return None
    _tensors(input_tensor_list, "tensor_list")
    for outputs, tensor in zip(
        zip(*output_tensor_lists, strict=True), input_tensor_list, strict=True
    ):
        all_gather(list(outputs), tensor, group)
    return Work(output_tensor_lists) if async_op else None


def all_gather_single(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The tensors of all processes, one after the other in one tensor."""
    _tensor(output_tensor, "output_tensor")
    _tensor(input_tensor, "input_tensor")
    if _outside(group, "all_gather_into_tensor"):
        return None
    group = _resolve(group)
    _same_types(output_tensor, input_tensor)
    _storable(group, input_tensor)
    _as_many(output_tensor.shape, input_tensor.numel() * group.size(), "allgather")
    first, *rest = input_tensor.shape or (1,)
    if group.name() != Backend.MPI and output_tensor.shape not in (
        (first * group.size(), *rest),
        input_tensor.shape,
    ):
        raise RuntimeError(
            f"ProcessGroupGloo::allgather: invalid tensor size at index 0 (expected {tuple(input_tensor.shape)} along "
            f"the first dimension, got {tuple(output_tensor.shape)})"
        )
    parts = _empty(output_tensor.numel(), input_tensor)
    pending = group._wire.gather_all(_own(input_tensor), parts, lambda: _fill(output_tensor, parts))
    return _begun(pending, async_op, output_tensor)


def all_gather_into_tensor(
    output_tensor: Tensor, input_tensor: Tensor, group: Any = None, async_op: bool = False
) -> Work | None:
    """The older name of `all_gather_single`."""
    _older("all_gather_into_tensor", "all_gather_single")
    return all_gather_single(output_tensor, input_tensor, group, async_op)


_all_gather_base = all_gather_single


def _of_root(name: str, tensors: list[Tensor] | None, here: bool, end: str) -> list[Tensor]:
    """The list that is given where here is true, and nowhere else."""
    if here and not tensors:
        raise ValueError(f"Argument ``{name}`` must be specified on {end} rank.")
    if not here and tensors:
        raise ValueError(f"Argument ``{name}`` must NOT be specified on non-{end} ranks.")
    _tensors(tensors or [], name)
    return tensors or []


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
    if _outside(group, "gather"):
        return None
    group = _resolve(group)
    root = _root(group, _peer(group, dst, group_dst, 0), "gather")
    here = group.rank() == root
    targets = _of_root("gather_list", gather_list, here, "destination")
    _same_types(*targets, tensor)
    _storable(group, tensor, complex_too=False)
    if here:
        _count(targets, group.size(), "gather")
    for target in targets:
        _as_many(target.shape, tensor.numel(), "gather")
    parts = _empty((group.size(), tensor.numel()), tensor) if here else None

    def finish() -> None:
        if parts is not None:
            for target, part in zip(targets, parts, strict=True):
                _fill(target, part)

    return _begun(group._wire.gather_to(_own(tensor), parts, root, finish), async_op, *targets)


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
    if _outside(group, "scatter"):
        return None
    group = _resolve(group)
    root = _root(group, _peer(group, src, group_src, 0), "scatter")
    here = group.rank() == root
    given = _of_root("scatter_list", scatter_list, here, "source")
    _same_types(*given, tensor)
    _storable(group, tensor)
    if here:
        _count(given, group.size(), "scatter", "input")
    for part in given:
        _as_many(part.shape, tensor.numel(), "scatter")
    parts = np.concatenate([_values(part).reshape(-1) for part in given]) if here else None
    own = _empty(tensor.numel(), tensor)
    pending = group._wire.scatter_from(parts, own, root, lambda: _fill(tensor, own))
    return _begun(pending, async_op, tensor)


def all_to_all(
    output_tensor_list: list[Tensor],
    input_tensor_list: list[Tensor],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a tensor from each."""
    if _outside(group, "all_to_all"):
        return None
    group = _resolve(group)
    _tensors(output_tensor_list, "output_tensor_list")
    _tensors(input_tensor_list, "input_tensor_list")
    _same_types(*output_tensor_list, *input_tensor_list)
    _count(input_tensor_list, group.size(), "alltoall", "input")
    _count(output_tensor_list, group.size(), "alltoall")
    _storable(group, *input_tensor_list)
    out = np.concatenate([_values(part).reshape(-1) for part in input_tensor_list])
    counts = [part.numel() for part in output_tensor_list]
    got = _empty(sum(counts), input_tensor_list[0])

    def finish() -> None:
        for target, part in zip(
            output_tensor_list, np.split(got, np.cumsum(counts)[:-1]), strict=True
        ):
            _fill(target, part)

    sizes = [part.numel() for part in input_tensor_list]
    if group.size() == 1:
        _as_many(output_tensor_list[0].shape, sizes[0], "alltoall")
    pending = group._wire.exchange(out, sizes, got, counts, finish)
    return _begun(pending, async_op, *output_tensor_list)


def all_to_all_single(
    output: Tensor,
    input: Tensor,
    output_split_sizes: Any = None,
    input_split_sizes: Any = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Each process gets a part of the tensor of each: equal ones, or as many rows as the sizes say."""
    if _outside(group, "all_to_all_single"):
        return None
    group = _resolve(group)
    _tensor(output, "output")
    _tensor(input, "input")
    _same_types(output, input)
    _storable(group, input)
    sizes = _splits(input, input_split_sizes, group.size())
    counts = _splits(output, output_split_sizes, group.size())
    if group.size() == 1:
        _as_many(output.shape, input.numel(), "alltoall")
    got = _empty(output.numel(), input)
    pending = group._wire.exchange(_own(input), sizes, got, counts, lambda: _fill(output, got))
    return _begun(pending, async_op, output)


def _splits(tensor: Tensor, rows: Any, size: int) -> list[int]:
    """How many elements go to, or come from, each."""
    first = tensor.shape[0] if tensor.dim() else 1
    if not rows:
        if first % size:
            raise RuntimeError("Tensor's dim 0 does not divide equally across group size")
        return [tensor.numel() // size] * size
    if len(rows) != size:
        raise RuntimeError("Number of tensor splits not equal to group size")
    if sum(rows) != first:
        raise RuntimeError("Split sizes doesn't match total dim 0 size")
    row = tensor.numel() // first if first else 0
    return [int(n) * row for n in rows]


def barrier(group: Any = None, async_op: bool = False, device_ids: Any = None) -> Work | None:
    """Wait for all processes."""
    if _outside(group, "barrier"):
        return None
    if device_ids is not None and not isinstance(device_ids, list):
        raise TypeError("Invalid function argument: device_ids type should be List[int]")
    return _begun((_get_default_group() if group is None else group)._wire.barrier(), async_op)
