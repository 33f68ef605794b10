"""What the processes of a group do with objects that can be pickled: they arrive as copies."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from rushlight.core.tensor import Array
from rushlight.distributed.arguments import _peer, _root
from rushlight.distributed.groups import ProcessGroup, _outside, _resolve, get_global_rank
from rushlight.distributed.peers import _other


def _packed(thing: Any) -> Array:
    return np.frombuffer(bytearray(pickle.dumps(thing)), np.uint8)


def _unpacked(values: Array) -> Any:
    return pickle.loads(values.tobytes())


def _sizes(group: ProcessGroup, own: int) -> list[int]:
    """How many bytes each has."""
    sizes = np.empty(group.size(), np.int64)
    group._wire.gather_all(np.array([own], np.int64), sizes).wait()
    return [int(n) for n in sizes]


def _exchanged(group: ProcessGroup, out: Sequence[Array]) -> list[Array]:
    """What each has for this process."""
    size = group.size()
    counts = np.empty(size, np.int64)
    wire = group._wire
    own = np.array([len(part) for part in out], np.int64)
    wire.exchange(own, [1] * size, counts, [1] * size).wait()
    got = np.empty(int(counts.sum()), np.uint8)
    wire.exchange(np.concatenate(out), own.tolist(), got, counts.tolist()).wait()
    return np.split(got, np.cumsum(counts)[:-1])


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """The objects of all processes, into a list of as many places."""
    if _outside(group, "all_gather_object"):
        return
    group = _resolve(group)
    packed = _packed(obj)
    for i, part in enumerate(_exchanged(group, [packed] * group.size())):
        object_list[i] = _unpacked(part)


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """The objects of all processes, into the list of one of them."""
    if _outside(group, "gather_object"):
        return
    group = _resolve(group)
    root = _root(group, _peer(group, dst, group_dst, 0), "gather")
    here = group.rank() == root
    if here and object_gather_list is None:
        raise ValueError("Argument ``object_gather_list`` must be specified on destination rank.")
    if not here and object_gather_list:
        raise ValueError(
            "Argument ``object_gather_list`` must NOT be specified on non-destination ranks."
        )
    nothing = np.empty(0, np.uint8)
    packed = _packed(obj)
    parts = _exchanged(group, [packed if rank == root else nothing for rank in range(group.size())])
    if object_gather_list is not None and here:
        for i, part in enumerate(parts):
            object_gather_list[i] = _unpacked(part)


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """The objects of one process, for all."""
    if _outside(group, "broadcast_object_list"):
        return
    group = _resolve(group)
    root = _root(group, _peer(group, src, group_src, 0), "broadcast")
    if not list(object_list):
        raise ValueError("broadcast_object_list: the list is empty, where objects come or go")
    here = group.rank() == root
    packed = _packed(object_list) if here else np.empty(0, np.uint8)
    size = _sizes(group, len(packed))[root]
    buffer = packed if here else np.empty(size, np.uint8)
    group._wire.broadcast(buffer, root).wait()
    if not here:
        arrived = _unpacked(buffer)
        if len(arrived) != len(object_list):
            raise RuntimeError(
                f"broadcast_object_list: {len(arrived)} objects came for a list of {len(object_list)}"
            )
        object_list[:] = arrived


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """An object for each process, from the list of one of them."""
    if _outside(group, "scatter_object_list"):
        return
    group = _resolve(group)
    if not isinstance(scatter_object_output_list, list) or not scatter_object_output_list:
        raise ValueError(
            "Expected argument scatter_object_output_list to be a list of size at least 1."
        )
    root = _root(group, _peer(group, src, group_src, 0), "scatter")
    out = [np.empty(0, np.uint8)] * group.size()
    if group.rank() == root:
        if scatter_object_input_list is None:
            raise ValueError("source rank must provide non-None scatter_object_input_list")
        if len(scatter_object_input_list) != group.size():
            raise RuntimeError(
                f"scatter_object_list: {len(scatter_object_input_list)} objects for {group.size()} processes"
            )
        out = [_packed(thing) for thing in scatter_object_input_list]
    scatter_object_output_list[0] = _unpacked(_exchanged(group, out)[root])


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: Any = None,
    device: Any = None,
    group_dst: int | None = None,
    use_batch: bool = False,
) -> None:
    """Objects for another process."""
    if _outside(group, "send_object_list"):
        return
    group = _resolve(group)
    to = _other(group, _peer(group, dst, group_dst), "destination")
    packed = _packed(object_list)
    group._wire.send(np.array([len(packed)], np.int64), to, 0).wait()
    group._wire.send(packed, to, 0).wait()


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
    use_batch: bool = False,
) -> int:
    """Objects from another process; its number in the world."""
    if _outside(group, "recv_object_list"):
        return -1
    group = _resolve(group)
    source = _peer(group, src, group_src)
    if source == group.rank():
        raise ValueError(
            "Invalid source rank: source rank should not be the same as the rank of the current process."
        )
    _other(group, source, "source")
    size = np.empty(1, np.int64)
    group._wire.receive(size, source, 0).wait()
    packed = np.empty(int(size[0]), np.uint8)
    group._wire.receive(packed, source, 0).wait()
    object_list[:] = _unpacked(packed)
    return get_global_rank(group, source)
