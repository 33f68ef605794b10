"""torch.distributed: processes that talk by MPI, and without it a world of one in which every collective works."""

from rushlight.later import later

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.distributed.collectives import (
    _all_gather_base, _reduce_scatter_base, all_gather, all_gather_coalesced,
    all_gather_into_tensor, all_gather_single, all_reduce, all_reduce_coalesced, all_to_all,
    all_to_all_single, barrier, broadcast, gather, reduce, reduce_scatter, reduce_scatter_single,
    reduce_scatter_tensor, scatter,
)
from rushlight.distributed.groups import (
    Backend, BackendConfig, DebugLevel, GroupMember, ProcessGroup, ProcessGroupGloo,
    _get_default_group, _get_default_store, _rank_not_in_group, default_pg_timeout,
    destroy_process_group, get_backend, get_backend_config, get_debug_level,
    get_default_backend_for_device, get_global_rank, get_group_rank, get_node_local_rank,
    get_pg_count, get_process_group_ranks, get_rank, get_world_size, group, init_process_group,
    is_available, is_backend_available, is_gloo_available, is_initialized, is_mpi_available,
    is_nccl_available, is_torchelastic_launched, is_ucc_available, is_xccl_available, new_group,
    new_subgroups, new_subgroups_by_enumeration, set_debug_level, set_debug_level_from_env,
    shrink_group, split_group,
)
from rushlight.distributed.objects import (
    all_gather_object, broadcast_object_list, gather_object, recv_object_list, scatter_object_list,
    send_object_list,
)
from rushlight.distributed.options import (
    AllToAllOptions, AllreduceCoalescedOptions, AllreduceOptions, BarrierOptions, BroadcastOptions,
    BuiltinCommHookType, GatherOptions, GroupName, Logger, ReduceOptions, ReduceScatterOptions,
    Reducer, ScatterOptions, breakpoint, record_comm,
)
from rushlight.distributed.peers import (
    P2POp, batch_isend_irecv, irecv, isend, monitored_barrier, recv, send,
)
from rushlight.distributed.reducer import GradBucket
from rushlight.distributed.reducing import (
    DistBackendError, DistError, DistNetworkError, DistStoreError, QueueEmptyError, ReduceOp, Work,
    _make_nccl_premul_sum, reduce_op, supports_complex,
)
from rushlight.distributed.store import (
    FileStore, HashStore, PrefixStore, Store, TCPStore, register_rendezvous_handler, rendezvous,
)
# fmt: on
# ---- names: end ----
from rushlight.distributed.device_mesh import DeviceMesh, init_device_mesh
from rushlight.distributed import device_mesh, distributed_c10d

# What few programs name.
algorithms = later("rushlight.distributed.algorithms")
checkpoint = later("rushlight.distributed.checkpoint")
fsdp = later("rushlight.distributed.fsdp")
nn = later("rushlight.distributed.nn")
optim = later("rushlight.distributed.optim")
rpc = later("rushlight.distributed.rpc")
tensor = later("rushlight.distributed.tensor")
_tensor = tensor
