"""What the processes of a group do with tensors together.

Tensors are copied out at the beginning and written at the end, so that a call that fails has changed nothing,
and tensors that lie in any order arrive as they should.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.autograd.state import no_grad
from rushlight.core.doors import into, read
from rushlight.core.tensor import Array, bump, wrap
from rushlight.distributed.arguments import (
    _alike,
    _as_many,
    _count,
    _one_type,
    _peer,
    _reducible,
    _root,
    _same_types,
    _storable,
    _tensor,
    _tensors,
    _writable,
)
from rushlight.distributed.groups import Backend, ProcessGroup, _outside, _resolve
from rushlight.distributed.reducing import ReduceOp, Work, arrived, sent
from rushlight.distributed.wire import Pending, together, watch
from rushlight.errors import warn
from rushlight.primitives import writing

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


def _begun(pending: Pending, async_op: bool, *tensors: Tensor, result: bool = True) -> Work | None:
    if not async_op:
        pending.wait()
        return None
    watch(pending)
    return Work(list(tensors) if result else None, pending)


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
    _going("all_reduce_coalesced")
    tensors = [tensors] if isinstance(tensors, Tensor) else tensors
    _tensors(tensors, "tensors")
    if not tensors:
        raise NotImplementedError("all_reduce_coalesced: an empty list has nothing to reduce")
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
    group = _resolve(group)
    to = _peer(group, dst, group_dst)
    if _outside(group, "reduce"):
        return None
    _reducible(group, tensor, op, "reduce")
    root = _root(group, to, "reduce")

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
    if group.name() != Backend.MPI:
        _alike(group, [input_list[group.rank()]], output.shape, "reduce_scatter")
    return _scattered(output, input_list, op, group, async_op)


def _scattered(
    output: Tensor, inputs: Sequence[Tensor], op: Any, group: ProcessGroup, async_op: bool
) -> Work | None:
    for part in inputs:
        _reducible(group, part, op, "reduce_scatter")
    _writable(output)
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

    pending = group._wire.reduce_scatter(parts, own, sizes, name, finish)
    return _begun(pending, async_op, output, result=False)


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
    _one_type("reduce_scatter", output, input)
    _as_many(input.shape, output.numel() * group.size(), "reduce_scatter")
    if group.name() != Backend.MPI and input.shape[1:] != output.shape[1:]:
        raise RuntimeError(
            f"reduce_scatter: {tuple(input.shape)} is not {group.size()} times {tuple(output.shape)} along the "
            "first dimension"
        )
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


def _going(name: str) -> None:
    warn(f"`torch.distributed.{name}` will be deprecated.", FutureWarning)


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
    group = _resolve(group)
    source = _peer(group, src, group_src)
    if _outside(group, "broadcast"):
        return None
    root = _root(group, source, "broadcast")
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
    _alike(group, tensor_list, tensor.shape, "allgather")
    _writable(*tensor_list)
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
    _going("all_gather_coalesced")
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
    _one_type("allgather", output_tensor, input_tensor)
    _storable(group, input_tensor)
    _as_many(output_tensor.shape, input_tensor.numel() * group.size(), "allgather")
    _writable(output_tensor)
    first, *rest = input_tensor.shape or (-1,)
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
    with no_grad():
        views = output_tensor.chunk(group.size())
    return _begun(pending, async_op, *views)


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
    group = _resolve(group)
    to = _peer(group, dst, group_dst, 0)
    if _outside(group, "gather"):
        return None
    root = _root(group, to, "gather")
    here = group.rank() == root
    targets = _of_root("gather_list", gather_list, here, "destination")
    _same_types(*targets, tensor)
    _storable(group, tensor, complex_too=False)
    if here:
        _count(targets, group.size(), "gather")
    _alike(group, targets, tensor.shape, "gather")
    _writable(*targets)
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
    group = _resolve(group)
    source = _peer(group, src, group_src, 0)
    if _outside(group, "scatter"):
        return None
    root = _root(group, source, "scatter")
    here = group.rank() == root
    given = _of_root("scatter_list", scatter_list, here, "source")
    _same_types(*given, tensor)
    _storable(group, tensor)
    if here:
        _count(given, group.size(), "scatter", "input")
    _alike(group, given, tensor.shape, "scatter")
    parts = np.concatenate([_values(part).reshape(-1) for part in given]) if here else None
    own = _empty(tensor.numel(), tensor)
    pending = group._wire.scatter_from(parts, own, root, lambda: _overwrite(tensor, own))
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
    if group.name() != Backend.MPI:
        first = input_tensor_list[0].shape
        _alike(group, [*input_tensor_list, *output_tensor_list], first, "alltoall")
    _writable(*output_tensor_list)
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
    if group.size() == 1 or not (output_split_sizes or input_split_sizes):
        _as_many(output.shape, input.numel(), "alltoall")
    got = _empty(output.numel(), input)
    pending = group._wire.exchange(_own(input), sizes, got, counts, lambda: _overwrite(output, got))
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


def barrier(
    group: Any = None,
    async_op: bool = False,
    device_ids: Any = None,
    timeout: timedelta | None = None,
) -> Work | None:
    """Wait for all processes."""
    if _outside(group, "barrier"):
        return None
    if isinstance(device_ids, list) and not all(isinstance(i, int) for i in device_ids):
        raise TypeError("Invalid function argument: device_ids type should be List[int]")
    return _begun(_resolve(group)._wire.barrier(timeout=timeout), async_op)
