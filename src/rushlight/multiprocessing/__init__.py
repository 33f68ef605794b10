"""torch.multiprocessing: Python's multiprocessing, for tensors too.

Tensors that are sent between processes move to memory that both share (`share_memory_()`), with all
that lies on their storage: what one process writes into them all others see.

>>> import rushlight as torch
>>> import rushlight.multiprocessing as mp
>>> x = torch.zeros(2).share_memory_()
>>> worker = mp.get_context("fork").Process(target=x.fill_, args=(3.0,))
>>> worker.start(), worker.join()
(None, None)
>>> x
tensor([3., 3.])
"""

from multiprocessing import reduction as reducer  # noqa: F401
from multiprocessing import (
    Array,
    AuthenticationError,
    Barrier,
    BoundedSemaphore,
    BufferTooShort,
    Condition,
    Event,
    JoinableQueue,
    Lock,
    Manager,
    Pipe,
    Pool,
    Process,
    ProcessError,
    Queue,
    RawArray,
    RawValue,
    RLock,
    Semaphore,
    SimpleQueue,
    TimeoutError,
    Value,
    active_children,
    allow_connection_pickling,
    cpu_count,
    current_process,
    freeze_support,
    get_all_start_methods,
    get_context,
    get_logger,
    get_start_method,
    log_to_stderr,
    parent_process,
    set_executable,
    set_forkserver_preload,
    set_start_method,
)

from rushlight.multiprocessing.spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)
from rushlight.ops.shared_memory import send_between_processes

send_between_processes()

__all__ = [
    "Array", "AuthenticationError", "Barrier", "BoundedSemaphore", "BufferTooShort", "Condition",
    "Event", "JoinableQueue", "Lock", "Manager", "Pipe", "Pool", "Process", "ProcessContext",
    "ProcessError", "ProcessException", "ProcessExitedException", "ProcessRaisedException", "Queue",
    "RLock", "RawArray", "RawValue", "Semaphore", "SimpleQueue", "SpawnContext", "TimeoutError",
    "Value", "active_children", "allow_connection_pickling", "cpu_count", "current_process",
    "freeze_support", "get_all_sharing_strategies", "get_all_start_methods", "get_context",
    "get_logger", "get_sharing_strategy", "get_start_method", "log_to_stderr", "parent_process",
    "set_executable", "set_forkserver_preload", "set_sharing_strategy", "set_start_method", "spawn",
    "start_processes",
]  # fmt: skip


def get_all_sharing_strategies() -> set[str]:
    """The ways in which memory is shared: one."""
    return {"file_descriptor"}


def get_sharing_strategy() -> str:
    """How memory is shared: by file descriptors."""
    return "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Choose how memory is shared; torch's "file_system" is taken to mean the one way there is."""
    if new_strategy not in ("file_descriptor", "file_system"):
        raise ValueError(f"unknown sharing strategy {new_strategy!r}: use 'file_descriptor'")
