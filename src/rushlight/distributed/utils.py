"""What replicas ask of each other, and helpers of torch.distributed that libraries import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.core.doors import into, read
from rushlight.distributed.groups import ProcessGroup
from rushlight.distributed.objects import all_gather_object
from rushlight.primitives import writing


def _apply_to_tensors(fn: Any, container: Any) -> Any:
    """The container with fn of each tensor in it."""
    from rushlight.utils.trees import tree_map_only

    return tree_map_only(Tensor, fn, container)


def _sum(group: ProcessGroup, number: int, op: str = "SUM") -> int:
    """The sum (or what op says) of a number of each process."""
    numbers = np.array([number], np.int64)
    group._wire.reduce_all(numbers, op).wait()
    return int(numbers[0])


def _common_rank(group: ProcessGroup, candidate: bool) -> int:
    """The last of the processes that are candidates."""
    return _sum(group, group.rank() if candidate else -1, "MAX")


def _broadcast_coalesced(group: ProcessGroup, tensors: Sequence[Tensor], source: int) -> None:
    """The tensors of one process, for all, together for each type."""
    if group.size() == 1:
        return
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
        alike = [tensor for tensor in tensors if tensor.dtype == dtype]
        values = [read(tensor, "it is sent to other processes") for tensor in alike]
        flat = np.concatenate([value.reshape(-1) for value in values])
        group._wire.broadcast(flat, source).wait()
        if group.rank() == source:
            continue
        for tensor, part in zip(
            alike, np.split(flat, np.cumsum([v.size for v in values])[:-1]), strict=True
        ):
            into(tensor, writing.copy, part.reshape(tensor.shape))


def _sync_module_states(
    module: Any,
    process_group: ProcessGroup,
    src: int = 0,
    params_and_buffers_to_ignore: Iterable[str] = (),
    broadcast_buffers: bool = True,
    **options: Any,
) -> None:
    """The parameters and buffers of one process, for all."""
    ignored = set(params_and_buffers_to_ignore)
    named = [*module.named_parameters(), *(module.named_buffers() if broadcast_buffers else ())]
    tensors = [tensor for name, tensor in named if name not in ignored]
    _broadcast_coalesced(process_group, tensors, src)


def _verify_param_shape_across_processes(
    process_group: ProcessGroup, tensors: Sequence[Tensor], logger: Any = None
) -> None:
    """RuntimeError if the processes have other parameters."""
    own = [(tuple(tensor.shape), str(tensor.dtype)) for tensor in tensors]
    each: list[Any] = [None] * process_group.size()
    all_gather_object(each, own, process_group)
    first = each[0]
    for rank, shapes in enumerate(each):
        if len(shapes) != len(first):
            raise RuntimeError(
                f"DDP expects same model across all ranks, but Rank {process_group.rank()} has {len(own)} params, "
                f"while rank {rank} has inconsistent {len(shapes)} params."
            )
        for i, (shape, expected) in enumerate(zip(shapes, first, strict=True)):
            if shape != expected:
                raise RuntimeError(
                    f"[{process_group.rank()}]: params[{i}] in this process with sizes {list(own[i][0])} appears "
                    f"not to match sizes of the same param in process 0."
                )
