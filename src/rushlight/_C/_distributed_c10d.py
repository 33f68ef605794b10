"""Process groups, as torch has them in C++."""

from rushlight.distributed.groups import (
    Backend,
    DebugLevel,
    ProcessGroup,
    ProcessGroupGloo,
    get_debug_level,
    set_debug_level,
    set_debug_level_from_env,
)
from rushlight.distributed.options import (
    AllreduceCoalescedOptions,
    AllreduceOptions,
    AllToAllOptions,
    BarrierOptions,
    BroadcastOptions,
    BuiltinCommHookType,
    GatherOptions,
    Logger,
    ReduceOptions,
    Reducer,
    ReduceScatterOptions,
    ScatterOptions,
)
from rushlight.distributed.reducer import GradBucket
from rushlight.distributed.reducing import ReduceOp, Work
from rushlight.distributed.store import FileStore, HashStore, PrefixStore, Store, TCPStore

__all__ = [
    "AllToAllOptions", "AllreduceCoalescedOptions", "AllreduceOptions", "Backend", "BarrierOptions",
    "BroadcastOptions", "BuiltinCommHookType", "DebugLevel", "FileStore", "GatherOptions", "GradBucket", "HashStore",
    "Logger", "PrefixStore", "ProcessGroup", "ProcessGroupGloo", "ReduceOp", "ReduceOptions", "ReduceScatterOptions",
    "Reducer", "ScatterOptions", "Store", "TCPStore", "Work", "get_debug_level", "set_debug_level",
    "set_debug_level_from_env",
]  # fmt: skip
