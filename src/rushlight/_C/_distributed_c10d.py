"""Process groups, as torch has them in C++."""

from rushlight.distributed.groups import (
    Backend,
    DebugLevel,
    ProcessGroup,
    ProcessGroupGloo,
    get_debug_level,
)
from rushlight.distributed.reducing import ReduceOp, Work
from rushlight.distributed.store import FileStore, HashStore, PrefixStore, Store, TCPStore

__all__ = [
    "Backend", "DebugLevel", "FileStore", "HashStore", "PrefixStore", "ProcessGroup", "ProcessGroupGloo", "ReduceOp",
    "Store", "TCPStore", "Work", "get_debug_level",
]  # fmt: skip
