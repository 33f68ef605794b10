"""Remote calls: rushlight runs in one process, and says so."""

from enum import Enum

from rushlight.absent import no as is_available
from rushlight.absent import refused

__all__ = [
    "BackendType",
    "RRef",
    "TensorPipeRpcBackendOptions",
    "WorkerInfo",
    "get_worker_info",
    "init_rpc",
    "is_available",
    "remote",
    "rpc_async",
    "rpc_sync",
    "shutdown",
]

_RPC = "it calls functions of other processes, and rushlight runs in one; call the function itself"


class BackendType(Enum):
    """What carries the calls: torch has one."""

    UNDEFINED = 0
    TENSORPIPE = 1

    def __repr__(self) -> str:
        return f"BackendType.{self.name}"


init_rpc = refused("init_rpc", _RPC, __name__)
rpc_sync = refused("rpc_sync", _RPC, __name__)
rpc_async = refused("rpc_async", _RPC, __name__)
remote = refused("remote", _RPC, __name__)
shutdown = refused("shutdown", _RPC, __name__)
get_worker_info = refused("get_worker_info", _RPC, __name__)
RRef = refused("RRef", _RPC, __name__)
WorkerInfo = refused("WorkerInfo", _RPC, __name__)
TensorPipeRpcBackendOptions = refused("TensorPipeRpcBackendOptions", _RPC, __name__)
