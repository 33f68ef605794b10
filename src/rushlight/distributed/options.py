"""What a collective can be told in one object, names of hooks and groups, a breakpoint in one of several processes."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, NewType

from rushlight.absent import refused
from rushlight.distributed.collectives import barrier
from rushlight.distributed.groups import _Made, get_rank
from rushlight.distributed.reducing import ReduceOp

__all__ = [
    "AllToAllOptions", "AllreduceCoalescedOptions", "AllreduceOptions", "BarrierOptions", "BroadcastOptions",
    "BuiltinCommHookType", "GatherOptions", "GroupName", "Logger", "ReduceOptions", "ReduceScatterOptions",
    "Reducer", "ScatterOptions", "breakpoint", "record_comm",
]  # fmt: skip

GroupName = NewType("GroupName", str)

_BY_DDP = "DistributedDataParallel does that work; wrap the module in it, and give it a hook by register_comm_hook"
Reducer = refused("Reducer of its own", _BY_DDP, __name__)
Logger = refused("Logger of a Reducer", _BY_DDP, __name__)


class BuiltinCommHookType(Enum):
    """The hooks that `DistributedDataParallel._register_builtin_comm_hook` knows."""

    ALLREDUCE = 1
    FP16_COMPRESS = 2


@dataclass(eq=False)
class _Options:
    """How long to wait (a negative time: as long as the group does), and whether to come back at once."""

    timeout: timedelta = field(default=timedelta(milliseconds=-1), kw_only=True)
    asyncOp: bool = field(default=True, kw_only=True)


@dataclass(eq=False)
class _Reducing(_Options):
    reduceOp: Any = field(default=ReduceOp.SUM, kw_only=True)


@dataclass(eq=False)
class _Rooted(_Options):
    rootRank: int = field(default=0, kw_only=True)


class AllToAllOptions(_Options):
    """Of an exchange between all."""


class AllreduceOptions(_Reducing):
    """Of a reduction that all get."""


class AllreduceCoalescedOptions(_Reducing):
    """Of several such reductions at once."""


class ReduceScatterOptions(_Reducing):
    """Of a reduction of which each gets a part."""


class GatherOptions(_Rooted):
    """Of what one process gets from all."""


class ScatterOptions(_Rooted):
    """Of what one process gives to all."""


@dataclass(eq=False)
class BroadcastOptions(_Rooted):
    """Of what all get from one process."""

    rootTensor: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class ReduceOptions(_Reducing):
    """Of a reduction that one process gets."""

    rootRank: int = field(default=0, kw_only=True)
    rootTensor: int = field(default=0, kw_only=True)


@dataclass(eq=False)
class BarrierOptions(_Options):
    """Of a place where all wait for all."""

    device_ids: list[int] = field(default_factory=list, kw_only=True)
    device: Any = field(default=None, kw_only=True)


@contextmanager
def record_comm(name: str) -> Iterator[None]:
    """In the block, a profile shows what processes send each other under this name."""
    from rushlight.autograd.profiler import record_function

    with record_function(name):
        yield


_passed: Counter[tuple[str, int]] = Counter()


def breakpoint(rank: int = 0, skip: int = 0, timeout_s: float | None = 3600) -> None:
    """Stop process `rank` in pdb, while all others wait for it; `up` there goes to the line that called.

    The first `skip` times that a line calls, nothing happens. Collectives wait timeout_s seconds from now on.
    """
    caller = sys._getframe(1)
    place = (caller.f_code.co_filename, caller.f_lineno)
    _passed[place] += 1
    if _passed[place] <= skip:
        return
    if timeout_s is not None:
        for group in _Made.groups:
            group.set_timeout(timedelta(seconds=timeout_s))
    if get_rank() == rank:
        from rushlight.distributed.debugger import Debugger

        Debugger().set_trace()
    barrier()
