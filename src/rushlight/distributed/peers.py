"""What one process sends to another, and the barrier that says who did not come."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np

from rushlight._tensor import Tensor
from rushlight.distributed.arguments import _peer, _tensor
from rushlight.distributed.collectives import _empty, _overwrite, _own
from rushlight.distributed.groups import ProcessGroup, _outside, _resolve, get_global_rank
from rushlight.distributed.reducing import Work
from rushlight.distributed.wire import Pending, watch

# A tag that programs do not use: the largest that every MPI has.
_BARRIER = 32_767


def _other(group: ProcessGroup, rank: int, what: str) -> int:
    if rank == group.rank():
        wrong = ValueError if what == "destination" else RuntimeError
        raise wrong(
            f"Invalid {what} rank: {what} rank should not be the same as the rank of the current process."
        )
    if not 0 <= rank < group.size():
        raise RuntimeError(f"there is no process {rank} in a group of {group.size()}")
    return rank


def isend(
    tensor: Tensor,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> Work | None:
    """Begin to send a tensor to a process."""
    _tensor(tensor)
    group = _resolve(group)
    to = _peer(group, dst, group_dst)
    if _outside(group, "isend"):
        return None
    to = _other(group, to, "destination")
    pending = group._wire.send(_own(tensor), to, tag)
    watch(pending)
    return Work(None, pending)


def irecv(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> Work | None:
    """Begin to receive a tensor from a process, or from anybody; as many elements as it has."""
    _tensor(tensor)
    if _outside(group, "irecv"):
        return None
    group = _resolve(group)
    anybody = src is None and group_src is None
    source = None if anybody else _other(group, _peer(group, src, group_src), "source")
    if group.size() == 1:
        raise RuntimeError("recv: there is no other process in the group")
    got = _empty(tensor.shape, tensor)

    def finish() -> None:
        # More than there is room for is an error of MPI's; of less, the rest of the tensor stays.
        size = pending.status.Get_count(group._wire.job.mpi.BYTE)
        if size < got.nbytes:
            kept = _own(tensor).reshape(-1).view(np.uint8)
            got.reshape(-1).view(np.uint8)[size:] = kept[size:]
        _overwrite(tensor, got)

    pending = group._wire.receive(got, source, tag, finish)
    watch(pending)
    return Work(None, pending, lambda: get_global_rank(group, pending.status.Get_source()))


def send(
    tensor: Tensor,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> None:
    """Send a tensor to a process."""
    work = isend(tensor, dst, group, tag, group_dst)
    if work is not None:
        work.wait()


def recv(
    tensor: Tensor,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> int:
    """Receive a tensor from a process, or from anybody: its number in the world."""
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    work.wait()
    return work.source_rank()


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
        self.op, self.tensor, self.tag = op, tensor, tag
        self.group = _resolve(group)
        self.group_peer = _peer(self.group, peer, group_peer)
        self.peer = get_global_rank(self.group, self.group_peer)

    def __repr__(self) -> str:
        way = [self.group.rank(), self.group_peer]
        source, to = way if self.op is isend else way[::-1]
        return (
            f"P2POp({self.op.__name__} pg={self.group.group_name}, group_src={source}, group_dst={to},  "
            f"{self.tensor.shape}, {self.tensor.dtype})"
        )


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Any]:
    """The works of several `isend` and `irecv`."""
    if not isinstance(p2p_op_list, list) or not all(isinstance(p, P2POp) for p in p2p_op_list):
        raise ValueError(
            "Invalid ``p2p_op_list``. Each op is expected to be of type ``torch.distributed.P2POp``."
        )
    group = p2p_op_list[0].group  # an IndexError, as in torch, for none
    if any(p.group != group for p in p2p_op_list):
        raise ValueError("All ops need to use the same group.")
    works = [p.op(p.tensor, None, p.group, p.tag, p.group_peer) for p in p2p_op_list]
    return [work for work in works if work is not None]


def monitored_barrier(
    group: Any = None, timeout: timedelta | None = None, wait_all_ranks: bool = False
) -> None:
    """Wait for all processes; rank 0 raises a RuntimeError that says who did not come in time."""
    if _outside(group, "monitored_barrier"):
        return
    group = _resolve(group)
    wire = group._wire
    limit = wire.timeout if timeout is None else timeout
    if not isinstance(limit, timedelta):
        raise TypeError(
            f"Expected timeout argument to be of type datetime.timedelta, got {timeout}"
        )
    if group.size() == 1:
        return
    if limit.total_seconds() <= 0:
        raise RuntimeError(f"monitored_barrier: nobody can come within {limit}")
    end = time.monotonic() + limit.total_seconds()
    if group.rank() == 0:
        missing = [rank for rank, begun in _others_come(group) if not _in_time(begun, end)]
        told = limit // timedelta(milliseconds=1)
        if missing:
            who = (
                f"Ranks {', '.join(map(str, missing))}" if wait_all_ranks else f"Rank {missing[0]}"
            )
            raise RuntimeError(f"[Rank 0]: {who} failed to pass monitoredBarrier in {told} ms")
        for rank in range(1, group.size()):
            wire.send(np.zeros(1, np.uint8), rank, _BARRIER).wait()
    else:
        wire.send(np.zeros(1, np.uint8), 0, _BARRIER).wait(limit)
        answer = wire.receive(np.zeros(1, np.uint8), 0, _BARRIER, what="monitoredBarrier")
        answer.wait(timedelta(seconds=max(0.0, end - time.monotonic())))


def _others_come(group: ProcessGroup) -> Iterator[tuple[int, Pending]]:
    wire = group._wire
    begun = [
        (rank, wire.receive(np.zeros(1, np.uint8), rank, _BARRIER, what="monitoredBarrier"))
        for rank in range(1, group.size())
    ]
    yield from begun


def _in_time(begun: Pending, end: float) -> bool:
    with contextlib.suppress(RuntimeError):
        begun.wait(timedelta(seconds=max(0.0, end - time.monotonic())))
    return begun.error is None
