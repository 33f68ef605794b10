"""The processes that work together, and the groups of them: here one process, which is a world of its own.

`init_process_group` takes every way of saying so: `rank=0, world_size=1`, the environment that launchers
set, a store, a file. A world of several is refused in words.
"""

from __future__ import annotations

import os
from datetime import timedelta
from enum import IntEnum
from typing import Any

from rushlight.absent import no
from rushlight.distributed.store import HashStore, Store

default_pg_timeout = timedelta(minutes=30)

_NOT_BUILT = {
    "nccl": "Distributed package doesn't have NCCL built in: rushlight runs on the CPU, take 'gloo'",
    "mpi": "Distributed package doesn't have MPI built in: rushlight runs in one process, take 'gloo'",
    "ucc": "Distributed package doesn't have UCC built in: rushlight runs on the CPU, take 'gloo'",
    "xccl": "Distributed package doesn't have XCCL built in: rushlight runs on the CPU, take 'gloo'",
}


class DistError(RuntimeError):
    """What goes wrong between processes."""


class DistBackendError(DistError):
    """What goes wrong in a backend."""


class DistNetworkError(DistError):
    """What goes wrong on the network."""


class DistStoreError(DistError):
    """What goes wrong in a store."""


class QueueEmptyError(DistStoreError):
    """A queue of a store has nothing."""


class DebugLevel(IntEnum):
    """How much is checked and told."""

    OFF = 0
    INFO = 1
    DETAIL = 2

    def __str__(self) -> str:
        return f"DebugLevel.{self.name}"


class RedOpType(IntEnum):
    """How the values of several processes become one."""

    SUM = 0
    AVG = 1
    PRODUCT = 2
    MIN = 3
    MAX = 4
    BAND = 5
    BOR = 6
    BXOR = 7
    PREMUL_SUM = 8

    def __str__(self) -> str:
        return f"RedOpType.{self.name}"

    def __repr__(self) -> str:
        return f"<RedOpType.{self.name}: {self.value}>"


class ReduceOp:
    """How the values of several processes become one: `ReduceOp.SUM` and its kind."""

    RedOpType = RedOpType
    SUM = RedOpType.SUM
    AVG = RedOpType.AVG
    PRODUCT = RedOpType.PRODUCT
    MIN = RedOpType.MIN
    MAX = RedOpType.MAX
    BAND = RedOpType.BAND
    BOR = RedOpType.BOR
    BXOR = RedOpType.BXOR
    PREMUL_SUM = RedOpType.PREMUL_SUM


class reduce_op:
    """The older name of `ReduceOp`."""

    SUM = RedOpType.SUM
    PRODUCT = RedOpType.PRODUCT
    MIN = RedOpType.MIN
    MAX = RedOpType.MAX


class Backend(str):
    """The name of a backend, in small letters."""

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    XCCL = "xccl"
    UCC = "ucc"
    MPI = "mpi"
    FAKE = "fake"
    backend_list = ["undefined", "gloo", "nccl", "xccl", "ucc", "mpi", "fake"]  # noqa: RUF012
    default_device_backend_map = {"cpu": "gloo", "cuda": "nccl"}  # noqa: RUF012  as torch has it

    def __new__(cls, name: str) -> Any:
        """The name itself."""
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}")
        return name.lower()


class BackendConfig:
    """Which backend serves which type of device."""

    def __init__(self, backend: str) -> None:
        self.device_backend_map = dict.fromkeys(("cpu", "cuda"), str(backend))

    def __repr__(self) -> str:
        return ",".join(f"{device}:{name}" for device, name in self.device_backend_map.items())

    def get_device_backend_map(self) -> dict[str, str]:
        """Backend by type of device."""
        return self.device_backend_map


class ProcessGroup:
    """Processes that work together: this one alone."""

    bound_device_id = None

    def __init__(self, backend: str, name: str, description: str, store: Store | None) -> None:
        self._backend = backend
        self.group_name = name
        self.group_desc = description
        self._store = store

    def rank(self) -> int:
        """0."""
        return 0

    def size(self) -> int:
        """1."""
        return 1

    def name(self) -> str:
        """The name of the backend."""
        return self._backend


ProcessGroupGloo = ProcessGroup


class GroupMember:
    """Marks: who is in no group."""

    WORLD: ProcessGroup | None = None
    NON_GROUP_MEMBER = -100


class _WorldMeta(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        """The group of all processes, or None before there is one."""
        return GroupMember.WORLD


class group(metaclass=_WorldMeta):
    """`group.WORLD`: all processes."""


class Work:
    """A collective that was begun, and with one process is done."""

    def __init__(self, result: Any = None) -> None:
        self._result = result

    def wait(self, timeout: timedelta | None = None) -> bool:
        """True: it is done."""
        return True

    def is_completed(self) -> bool:
        """True."""
        return True

    def is_success(self) -> bool:
        """True."""
        return True

    def exception(self) -> None:
        """None: nothing went wrong."""

    def result(self) -> Any:
        """The tensors that were worked on."""
        return self._result


class _Made:
    """How many groups have been made in this process, and those that are there."""

    count = 0
    groups: list[ProcessGroup] = []  # noqa: RUF012  of the process


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Store | None = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Make the world: this process. `world_size` other than 1 is refused.

    >>> import rushlight.distributed as dist
    >>> dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    >>> dist.get_rank(), dist.get_world_size()
    (0, 1)
    >>> dist.destroy_process_group()
    """
    if GroupMember.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    name = _known(Backend.UNDEFINED if backend is None else backend)
    if store is None and (init_method is None or init_method.startswith("env://")):
        rank = _from_environment("RANK", rank)
        world_size = _from_environment("WORLD_SIZE", world_size)
    if (rank, world_size) != (0, 1):
        raise RuntimeError(
            f"rushlight runs in one process: rank={rank}, world_size={world_size} asks for a world of "
            "several. Start the program without torchrun, or with --nproc-per-node=1"
        )
    GroupMember.WORLD = _new(name, "default_pg", HashStore() if store is None else store)


def _known(backend: str) -> str:
    names = {part.rpartition(":")[2].strip() for part in Backend(backend).split(",")}
    for name in names:
        if name not in Backend.backend_list:
            raise AssertionError(f"Unknown backend type {name}")
        if name in _NOT_BUILT and len(names) == 1:
            raise RuntimeError(_NOT_BUILT[name])
    return Backend.GLOO if "gloo" in names else names.pop()


def _from_environment(variable: str, given: int) -> int:
    if given >= 0:
        return given
    if variable not in os.environ:
        raise ValueError(
            f"Error initializing torch.distributed using env:// rendezvous: environment variable "
            f"{variable} expected, but not set"
        )
    return int(os.environ[variable])


def _new(backend: str, description: str, store: Store | None) -> ProcessGroup:
    made = ProcessGroup(backend, str(_Made.count), description, store)
    _Made.count += 1
    _Made.groups.append(made)
    return made


def destroy_process_group(group: Any = None) -> None:
    """Let a group go; without one, all of them."""
    if GroupMember.WORLD is None:
        raise AssertionError("Process group cannot be None")
    if group is None or group is GroupMember.WORLD:
        GroupMember.WORLD = None
        _Made.groups.clear()
    else:
        _Made.groups.remove(group)


def _get_default_group() -> ProcessGroup:
    """The world, or an error where there is none."""
    if GroupMember.WORLD is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return GroupMember.WORLD


def _resolve(group: Any) -> ProcessGroup:
    return _get_default_group() if group is None else group


def _rank_not_in_group(group: Any) -> bool:
    """Whether this process is in no group of that name."""
    return group is not None and group == GroupMember.NON_GROUP_MEMBER


def is_initialized() -> bool:
    """Whether there is a world."""
    return GroupMember.WORLD is not None


def is_available() -> bool:
    """True: there is a world of one process."""
    return True


is_nccl_available = is_mpi_available = is_ucc_available = is_xccl_available = no


def is_gloo_available() -> bool:
    """True: what gloo does with one process."""
    return True


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_backend_available(backend: str) -> bool:
    """Whether there is a backend of that name."""
    return backend.lower() == Backend.GLOO


def get_rank(group: Any = None) -> int:
    """The number of this process in the group; -1 outside of it."""
    return -1 if _rank_not_in_group(group) else _resolve(group).rank()


def get_world_size(group: Any = None) -> int:
    """How many processes a group has; -1 outside of it."""
    return -1 if _rank_not_in_group(group) else _resolve(group).size()


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The number of this process on its machine, as a launcher set it."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is None:
        raise RuntimeError(
            "LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow "
            "`get_node_local_rank` to work, assuming you are not running in a multi-device context"
        )
    return int(fallback_rank)


def get_backend(group: Any = None) -> str:
    """The name of a group's backend."""
    return _resolve(group).name()


def get_backend_config(group: Any = None) -> str:
    """Which backend serves which type of device."""
    return str(BackendConfig(get_backend(group)))


def get_default_backend_for_device(device: Any) -> str:
    """The backend that is taken for a device."""
    kind = str(device).partition(":")[0]
    if kind not in Backend.default_device_backend_map:
        raise ValueError(f"Default backend not registered for device : {device}")
    return Backend.default_device_backend_map[kind]


def get_process_group_ranks(group: Any) -> list[int]:
    """The processes of a group, by their number in the world."""
    _resolve(group)
    return [0]


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The number in the world of a process of a group."""
    _resolve(group)
    return group_rank


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in a group of a process of the world."""
    _resolve(group)
    return global_rank


def get_pg_count() -> int:
    """How many groups there are."""
    return len(_Made.groups)


def new_group(
    ranks: Any = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
) -> ProcessGroup:
    """A group of the processes in ranks, which can be this one alone."""
    world = _get_default_group()
    for rank in ranks or [0]:
        if rank != 0:
            raise ValueError(f"Rank {rank} is out of range. Valid ranks are 0 to 0 (world_size=1)")
    name = world.name() if backend is None else _known(backend)
    return _new(name, group_desc or "undefined", world._store)


def new_subgroups(
    group_size: int | None = None, group: Any = None, **options: Any
) -> tuple[ProcessGroup, list[ProcessGroup]]:
    """The group of this process, and all groups, of group_size processes each."""
    if group_size not in (None, 1):
        raise ValueError(f"group_size ({group_size}) must not exceed the world size (1)")
    made = new_group([0])
    return made, [made]


def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: list[list[int]], **options: Any
) -> tuple[ProcessGroup, list[ProcessGroup]]:
    """The group of this process, and all groups, by their processes."""
    made = [new_group(ranks) for ranks in ranks_per_subgroup_list]
    return made[0], made


def split_group(*args: Any, **options: Any) -> None:
    """An error, as with gloo: only NCCL splits groups."""
    raise RuntimeError(
        "No backend for the parent process group or its backend does not support splitting"
    )


def shrink_group(*args: Any, **options: Any) -> None:
    """An error, as with gloo: only NCCL shrinks groups."""
    raise TypeError("shrink_group() needs a backend that supports it: gloo does not")


def get_debug_level() -> DebugLevel:
    """How much is checked and told: nothing."""
    return DebugLevel.OFF


def set_debug_level(level: DebugLevel) -> None:
    """Accepted: with one process there is nothing to check."""


def set_debug_level_from_env() -> None:
    """Accepted: with one process there is nothing to check."""


def supports_complex(op: RedOpType) -> bool:
    """Whether complex numbers can be reduced so."""
    return op not in (
        ReduceOp.MAX,
        ReduceOp.MIN,
        ReduceOp.PRODUCT,
        ReduceOp.BAND,
        ReduceOp.BOR,
        ReduceOp.BXOR,
    )
