"""The processes that work together, and the groups of them.

`init_process_group` takes every way of saying so: `rank=0, world_size=1`, the environment that launchers
set, a store, a file. One process is a world of its own; several are ranks of an MPI job (`seats.py`).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any

from rushlight.absent import no
from rushlight.device import device as Device
from rushlight.distributed import seats
from rushlight.distributed.process_group import ProcessGroup
from rushlight.distributed.store import HashStore, Store, TCPStore, rendezvous
from rushlight.distributed.wire import Pending, Wire
from rushlight.errors import warn

default_pg_timeout = timedelta(minutes=30)

_NOT_BUILT = {
    "nccl": "Distributed package doesn't have NCCL built in: rushlight runs on the CPU, take 'gloo'",
    "xccl": "Distributed package doesn't have XCCL built in: rushlight runs on the CPU, take 'gloo'",
}


class DebugLevel(IntEnum):
    """How much is checked and told."""

    OFF = 0
    INFO = 1
    DETAIL = 2

    def __str__(self) -> str:
        return f"DebugLevel.{self.name}"


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
    default_device_backend_map = {"cpu": "gloo", "cuda": "nccl", "xpu": "xccl", "mps": "gloo"}  # noqa: RUF012  as torch

    def __new__(cls, name: str) -> Any:
        """The name itself."""
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, got {name!r}")
        return name.lower()

    @classmethod
    def register_backend(cls, name: str, *args: Any, **options: Any) -> None:
        """An error: what carries tensors here is MPI."""
        raise NotImplementedError(f"rushlight has no backend {name!r}: take 'gloo' or 'mpi'")


class BackendConfig:
    """Which backend serves which type of device: of a name, or of pairs as "cpu:gloo,cuda:nccl"."""

    def __init__(self, backend: str) -> None:
        self.device_backend_map: dict[str, str] = {}
        if backend == Backend.UNDEFINED:
            self.device_backend_map["cpu"] = Backend.GLOO
        elif ":" not in backend:
            devices = ["cuda"] if backend == Backend.NCCL else ["cpu", "cuda"]
            self.device_backend_map |= dict.fromkeys(devices, str(backend))
        else:
            for pair in backend.lower().split(","):
                device, colon, name = pair.partition(":")
                if not colon or ":" in name:
                    raise ValueError(f"Invalid device:backend pairing: {pair}, in {backend!r}")
                if device in self.device_backend_map:
                    raise ValueError(f"Duplicate device type {device}, in {backend!r}")
                self.device_backend_map[device] = name

    def __repr__(self) -> str:
        return ",".join(f"{device}:{name}" for device, name in self.device_backend_map.items())

    def get_device_backend_map(self) -> dict[str, str]:
        """Backend by type of device."""
        return self.device_backend_map


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


class _Made:
    """How many groups have been made in this process, and those that are there."""

    count = 0
    groups: list[ProcessGroup] = []  # noqa: RUF012  of the process
    # The ranks of the last group that this process is not in, which stands for all of them, as in torch.
    outside: list[int] = []  # noqa: RUF012  of the process
    # How many groups of exactly these processes there have been: all of them know it alike.
    of_ranks: dict[tuple[int, ...], int] = {}  # noqa: RUF012


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
    """Make the world of world_size processes, of which this one is number rank.

    backend: "gloo", "mpi", or None for "gloo". init_method: env://, tcp://host:port or file:///path, by which
    the processes meet if no store is given; those that mpirun or srun has started need none. Several processes
    need the extra "distributed". RuntimeError if they do not come within timeout.

    >>> import rushlight.distributed as dist
    >>> dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    >>> dist.get_rank(), dist.get_world_size()
    (0, 1)
    >>> dist.destroy_process_group()
    """
    if GroupMember.WORLD is not None:
        raise ValueError("trying to initialize the default process group twice!")
    if store is not None and init_method is not None:
        raise AssertionError("Cannot specify both init_method and store.")
    name = _known(Backend.UNDEFINED if backend is None else backend)
    limit = default_pg_timeout if timeout is None else timeout
    if not isinstance(limit, timedelta):
        raise TypeError(
            f"Expected timeout argument to be of type datetime.timedelta, got {timeout}"
        )
    by_mpi = seats.launched()
    if store is None:
        url = "env://" if init_method is None else init_method
        if by_mpi is not None and (
            name == Backend.MPI or (url == "env://" and "RANK" not in os.environ)
        ):
            rank, world_size = by_mpi
            store = HashStore()
        else:
            store, rank, world_size = next(rendezvous(url, rank, world_size, timeout=limit))
            store.set_timeout(limit)
    elif world_size <= 0 or rank < 0:
        raise AssertionError("world_size must be positive and rank non-negative if using store")
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} is not in a world of {world_size}")
    GroupMember.WORLD = _new(name, "default_pg", store, *_world(rank, world_size, store, limit))


def _world(rank: int, size: int, store: Store, timeout: timedelta) -> tuple[Wire, Sequence[int]]:
    """The wire of all processes, and their ranks in the world."""
    if size == 1:
        return Wire(None, None, [0], timeout), [0]
    job = seats.job(rank, size, store, timeout)
    # Nobody turns inside of MPI while another is still to come.
    Wire(job, job.world, range(size), timeout).barrier("init_process_group").wait()
    comm = job.world.Dup() if job.rank == rank else job.world.Split(0, rank)
    if comm.rank != rank:
        raise ValueError(f"two processes say that they are rank {rank}, or one has no rank")
    ranks = comm.allgather(job.rank)
    job.hide()
    return Wire(job, comm, ranks, timeout), range(size)


def _known(backend: str) -> str:
    names = {part.rpartition(":")[2].strip() for part in Backend(backend).split(",")}
    for name in names:
        if name not in Backend.backend_list:
            raise AssertionError(f"Unknown backend type {name}")
        if name == Backend.UCC:
            raise AssertionError("Unknown c10d backend type UCC: it is not built in, take 'gloo'")
        if name in _NOT_BUILT:
            raise RuntimeError(_NOT_BUILT[name])
        if name == Backend.MPI and not seats.available():
            raise RuntimeError(
                "Distributed package doesn't have MPI built in: it comes with python -m pip install "
                '"rushlight[distributed]"'
            )
    return str(Backend(backend))


def _new(
    backend: str, description: str, store: Store | None, wire: Wire, ranks: Sequence[int]
) -> ProcessGroup:
    made = ProcessGroup(backend, str(_Made.count), description, store, wire, ranks)
    _Made.count += 1
    _Made.groups.append(made)
    return made


def destroy_process_group(group: Any = None) -> None:
    """Let a group go; without one, all of them."""
    if GroupMember.WORLD is None:
        raise AssertionError("Process group cannot be None")
    if group is None or group is GroupMember.WORLD:
        store = GroupMember.WORLD._store
        GroupMember.WORLD = None
        _Made.groups.clear()
        _Made.count, _Made.outside = 0, []
        if isinstance(store, TCPStore):
            store.close()
    elif not _rank_not_in_group(group):
        if group not in _Made.groups:
            raise ValueError("Invalid process group specified")
        _Made.groups.remove(group)


def _get_default_group() -> ProcessGroup:
    """The world, or an error where there is none."""
    if GroupMember.WORLD is None:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )
    return GroupMember.WORLD


def _get_default_store() -> Store | None:
    """The store by which the world met."""
    return _get_default_group()._store


def _resolve(group: Any) -> ProcessGroup:
    """The group that is meant, or the mark of one that this process is not in."""
    if group is None:
        return _get_default_group()
    if not isinstance(group, ProcessGroup) and not _rank_not_in_group(group):
        raise ValueError(
            f"Process group {group} is not initialized in the world group map. Please initialize the group first."
        )
    return group


def _listed(group: Any) -> list[int]:
    """The processes of a group, also of one that this process is not in."""
    if _rank_not_in_group(group) and _Made.outside:
        return _Made.outside
    if group not in _Made.groups:
        raise ValueError(
            f"Group {group} is not registered, please create group with torch.distributed.new_group API"
        )
    return group._ranks


def _outside(group: Any, operation: str) -> bool:
    """Whether this process is not in the group of a collective, which is told and no error."""
    if not _rank_not_in_group(group):
        return False
    warn(
        f"Running {operation} on global rank {get_rank()} which does not belong to the given group."
    )
    return True


def _rank_not_in_group(group: Any) -> bool:
    """Whether this process is in no group of that name."""
    return group is not None and group == GroupMember.NON_GROUP_MEMBER


def is_initialized() -> bool:
    """Whether there is a world."""
    return GroupMember.WORLD is not None


def is_available() -> bool:
    """True: there is a world of one process, and by MPI one of several."""
    return True


is_nccl_available = is_ucc_available = is_xccl_available = no
is_mpi_available = seats.available


def is_gloo_available() -> bool:
    """True: what gloo does is done by MPI."""
    return True


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_backend_available(backend: str) -> bool:
    """Whether there is a backend of that name."""
    return backend.lower() == Backend.GLOO or (
        backend.lower() == Backend.MPI and is_mpi_available()
    )


def get_rank(group: Any = None) -> int:
    """The number of this process in the group; -1 outside of it."""
    if _rank_not_in_group(group):
        return -1
    if group is not None:
        _listed(group)
    return _resolve(group).rank()


def get_world_size(group: Any = None) -> int:
    """How many processes a group has; -1 outside of it."""
    if _rank_not_in_group(group):
        return -1
    return (_get_default_group() if group is None else group).size()


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
    if _rank_not_in_group(group):
        raise ValueError("Invalid process group specified")
    return _resolve(group).name()


def get_backend_config(group: Any = None) -> str:
    """Which backend serves which type of device."""
    return str(BackendConfig(get_backend(group)))


def get_default_backend_for_device(device: Any) -> str:
    """The backend that is taken for a device."""
    kind = Device(device).type
    if kind not in Backend.default_device_backend_map:
        raise ValueError(f"Default backend not registered for device : {device}")
    return Backend.default_device_backend_map[kind]


def get_process_group_ranks(group: Any) -> list[int]:
    """The processes of a group, by their number in the world."""
    try:
        return list(_listed(_get_default_group() if group is None else group))
    except ValueError:
        if group is None:
            raise
        raise KeyError(group) from None


def get_global_rank(group: ProcessGroup, group_rank: int) -> int:
    """The number in the world of a process of a group."""
    if group is GroupMember.WORLD:
        return group_rank
    ranks = _listed(group)
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return ranks[group_rank]


def get_group_rank(group: ProcessGroup, global_rank: int) -> int:
    """The number in a group of a process of the world."""
    if group is GroupMember.WORLD:
        return global_rank
    ranks = _listed(group)
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return ranks.index(global_rank)


def get_pg_count() -> int:
    """How many groups have been made, with those that this process is not in."""
    return _Made.count


def new_group(
    ranks: Any = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """A group of the processes in ranks, or of all; GroupMember.NON_GROUP_MEMBER to the others.

    They are numbered by their ranks in the world, or (without sort_ranks) as they are named.
    """
    world = _get_default_group()
    if timeout is not None and not isinstance(timeout, timedelta):
        raise TypeError(
            f"Expected timeout argument to be of type datetime.timedelta, got {timeout}"
        )
    named = world._ranks if ranks is None else ranks
    members = sorted(named) if sort_ranks else list(named)
    for rank in members:
        if not 0 <= rank < world.size():
            raise ValueError(
                f"Rank {rank} is out of range. Valid ranks are 0 to {world.size() - 1} (world_size={world.size()})"
            )
    if len(set(members)) != len(members):
        raise ValueError(f"new_group: the ranks {members} name a process twice")
    name = world.name() if backend is None else _known(backend)
    if not members:
        raise TypeError(
            "new_group: a group has at least one process, and the list of ranks is empty"
        )
    if world.rank() not in members:
        _Made.count += 0 if use_local_synchronization else 1
        _Made.outside = members
        return GroupMember.NON_GROUP_MEMBER
    limit = world._wire.timeout if timeout is None else timeout
    wire = _communicator(world._wire, members, limit)
    return _new(name, group_desc or "undefined", world._store, wire, members)


def _communicator(world: Wire, members: Sequence[int], timeout: timedelta) -> Wire:
    """The wire of some of the processes, who alone need come."""
    job = world.job
    in_job = [world.ranks[rank] for rank in members]
    if len(members) == 1:
        return Wire(None, None, in_job, timeout)
    key = tuple(in_job)
    _Made.of_ranks[key] = number = _Made.of_ranks.get(key, 0) + 1
    tag = zlib.crc32(repr((key, number)).encode()) % 30_000
    _come_together(Wire(job, job.world, in_job, timeout), key, tag)
    return Wire(job, job.world.Create_group(job.world.group.Incl(in_job), tag), in_job, timeout)


def _come_together(wire: Wire, members: Sequence[int], tag: int) -> None:
    """Wait until all are here, asleep: MPI itself would keep a processor busy."""
    first, *others = members

    def each(call: Any) -> list[Pending]:
        peers = others if wire.job.rank == first else [first]
        return [
            wire.begin("new_group", call, [bytearray(1), wire.job.mpi.BYTE], peer, tag)
            for peer in peers
        ]

    for call in (
        (wire.comm.Irecv, wire.comm.Isend)
        if wire.job.rank == first
        else (wire.comm.Isend, wire.comm.Irecv)
    ):
        for pending in each(call):
            pending.wait()


def new_subgroups(
    group_size: int | None = None,
    group: Any = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    group_desc: str | None = None,
) -> tuple[Any, list[Any]]:
    """The group of this process, and all groups, of group_size processes each."""
    if group_size is None:
        raise ValueError("new_subgroups: without CUDA there is no size by itself, pass group_size")
    world, size = _get_default_group(), group_size
    if size <= 0:
        raise ValueError(f"The arg 'group_size' ({size}) must be positive")
    if world.size() < size:
        raise ValueError(
            f"The arg 'group_size' ({size}) must not exceed the world size ({world.size()})"
        )
    if world.size() % size:
        raise ValueError(f"The world size ({world.size()}) must be divisible by '{size}'")
    lists = [list(range(start, start + size)) for start in range(0, world.size(), size)]
    return new_subgroups_by_enumeration(lists, timeout, backend, pg_options, group_desc)


def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: list[list[int]],
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any = None,
    group_desc: str | None = None,
) -> tuple[Any, list[Any]]:
    """The group of this process, and all groups, by their processes."""
    if not ranks_per_subgroup_list:
        raise ValueError("The arg 'ranks_per_subgroup_list' cannot be empty")
    named = [rank for ranks in ranks_per_subgroup_list for rank in ranks]
    for rank in named:
        if named.count(rank) > 1:
            raise ValueError(f"Rank {rank} has appeared in both subgroup")
    made = [
        new_group(r, timeout, backend, pg_options, group_desc=group_desc)
        for r in ranks_per_subgroup_list
    ]
    own = [g for g, ranks in zip(made, ranks_per_subgroup_list, strict=True) if get_rank() in ranks]
    return (own[0] if own else None), made


def split_group(parent_pg: Any = None, split_ranks: Any = None, *args: Any, **options: Any) -> None:
    """An error, as with gloo: only NCCL splits groups."""
    if not split_ranks:
        raise ValueError("split_ranks cannot be None or empty")
    raise RuntimeError(
        "No backend for the parent process group or its backend does not support splitting"
    )


def shrink_group(*args: Any, **options: Any) -> None:
    """An error, as with gloo: only NCCL shrinks groups."""
    raise TypeError("shrink_group() needs a backend that supports it: gloo does not")


class _Debugging:
    """How much is to be checked and told, as the environment says it."""

    level: DebugLevel | None = None


def get_debug_level() -> DebugLevel:
    """How much is to be checked and told: the variable TORCH_DISTRIBUTED_DEBUG, or what was set."""
    if _Debugging.level is None:
        set_debug_level_from_env()
    return DebugLevel.OFF if _Debugging.level is None else _Debugging.level


def set_debug_level(level: DebugLevel) -> None:
    """Say how much is to be checked and told. All is checked that there is, at every level."""
    _Debugging.level = level


def set_debug_level_from_env() -> None:
    """Take the level of the variable TORCH_DISTRIBUTED_DEBUG: OFF, INFO or DETAIL."""
    name = os.environ.get("TORCH_DISTRIBUTED_DEBUG", "OFF").upper()
    if name not in DebugLevel.__members__:
        raise RuntimeError(
            f"The value of TORCH_DISTRIBUTED_DEBUG must be OFF, INFO, or DETAIL, not {name}"
        )
    _Debugging.level = DebugLevel[name]
