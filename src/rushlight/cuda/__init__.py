"""torch.cuda on a machine that offers none: it says so, and does nothing where nothing is to be done."""

from __future__ import annotations

from typing import Any

from rushlight import dtypes
from rushlight.absent import no_cuda
from rushlight.cuda import amp
from rushlight.cuda.devices import (
    Event, Stream, current_device, current_stream, default_stream, device, device_count, empty_cache,
    get_device_capability, get_device_name, get_device_properties, is_available, is_initialized,
    mem_get_info, memory_allocated, memory_reserved, set_device, synchronize,
)  # fmt: skip
from rushlight.device import device as _device
from rushlight.errors import OutOfMemoryError
from rushlight.later import later
from rushlight.ops.legacy import LegacyType

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    empty_list as get_arch_list, empty_list as get_rng_state_all, empty_list as memory_snapshot,
    no as is_bf16_supported, no as is_current_stream_capturing, no as is_tf32_supported,
    no_cuda as can_device_access_peer, no_cuda as check_error, no_cuda as clock_rate,
    no_cuda as cudart, no_cuda as current_blas_handle, no_cuda as current_solver_handle,
    no_cuda as device_memory_used, no_cuda as get_per_process_memory_fraction,
    no_cuda as get_rng_state, no_cuda as get_sync_debug_mode, no_cuda as init,
    no_cuda as initial_seed, no_cuda as ipc_collect, no_cuda as memory_usage, no_cuda as power_draw,
    no_cuda as set_per_process_memory_fraction, no_cuda as set_sync_debug_mode,
    no_cuda as temperature, no_cuda as utilization, no_figures as host_memory_stats,
    no_figures as host_memory_stats_as_nested_dict, no_figures as memory_stats,
    no_figures as memory_stats_as_nested_dict, nothing as manual_seed, nothing as manual_seed_all,
    nothing as reset_accumulated_host_memory_stats, nothing as reset_accumulated_memory_stats,
    nothing as reset_max_memory_allocated, nothing as reset_max_memory_cached,
    nothing as reset_peak_host_memory_stats, nothing as reset_peak_memory_stats, nothing as seed,
    nothing as seed_all, nothing as set_rng_state, nothing as set_rng_state_all,
    nothing as set_stream, zero as max_memory_allocated, zero as max_memory_cached,
    zero as max_memory_reserved, zero as memory_cached,
)
from rushlight.refusals import (
    graphs as CUDAGraph, graphs as CUDAPluggableAllocator, graphs as GreenContext,
    graphs as MemPool, graphs as caching_allocator_alloc, graphs as caching_allocator_delete,
    graphs as caching_allocator_disabled, graphs as caching_allocator_enable,
    graphs as change_current_allocator, graphs as cudaStatus, graphs as get_allocator_backend,
    graphs as graph, graphs as graph_pool_handle, graphs as list_gpu_processes,
    graphs as make_graphed_callables, graphs as memory_summary, graphs as use_mem_pool,
    streams as ExternalStream, streams as StreamContext, streams as get_stream_from_external,
)
# fmt: on
# ---- names: end ----
comm = later("rushlight.cuda.comm")
memory = later("rushlight.cuda.memory")
random = later("rushlight.cuda.random")
graphs = later("rushlight.cuda.graphs")
jiterator = later("rushlight.cuda.jiterator")
nccl = later("rushlight.cuda.nccl")
nvtx = later("rushlight.cuda.nvtx")
profiler = later("rushlight.cuda.profiler")
sparse = later("rushlight.cuda.sparse")
streams = later("rushlight.cuda.streams")
tunable = later("rushlight.cuda.tunable")

default_generators: tuple[Any, ...] = ()
# What torch was built with.
has_half, has_magma = True, False


class stream:
    """The block `with torch.cuda.stream(None):`; there are no streams to choose from."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *exception: Any) -> None:
        """Nothing."""


BFloat16Tensor = LegacyType("BFloat16Tensor", dtypes.bfloat16, __name__)
BoolTensor = LegacyType("BoolTensor", dtypes.bool_, __name__)
ByteTensor = LegacyType("ByteTensor", dtypes.uint8, __name__)
CharTensor = LegacyType("CharTensor", dtypes.int8, __name__)
DoubleTensor = LegacyType("DoubleTensor", dtypes.float64, __name__)
FloatTensor = LegacyType("FloatTensor", dtypes.float32, __name__)
HalfTensor = LegacyType("HalfTensor", dtypes.float16, __name__)
IntTensor = LegacyType("IntTensor", dtypes.int32, __name__)
LongTensor = LegacyType("LongTensor", dtypes.int64, __name__)
ShortTensor = LegacyType("ShortTensor", dtypes.int16, __name__)


def _storage(name: str) -> type:
    """The older class of a GPU's memory: to make one is an error."""

    def refuse(cls: type, *args: Any, **kwargs: Any) -> Any:
        no_cuda()

    return type(
        name,
        (),
        {
            "__new__": refuse,
            "__module__": __name__,
            "__doc__": "An error: there is no CUDA device.",
        },
    )


BFloat16Storage = _storage("BFloat16Storage")
BoolStorage = _storage("BoolStorage")
ByteStorage = _storage("ByteStorage")
CharStorage = _storage("CharStorage")
ComplexDoubleStorage = _storage("ComplexDoubleStorage")
ComplexFloatStorage = _storage("ComplexFloatStorage")
DoubleStorage = _storage("DoubleStorage")
FloatStorage = _storage("FloatStorage")
HalfStorage = _storage("HalfStorage")
IntStorage = _storage("IntStorage")
LongStorage = _storage("LongStorage")
ShortStorage = _storage("ShortStorage")


class CudaError(RuntimeError):
    """An error of CUDA's: nothing raises it here, and programs may catch it."""


class DeferredCudaCallError(Exception):
    """An error of CUDA's: nothing raises it here, and programs may catch it."""


class device_of(device):
    """The block `with torch.cuda.device_of(x):`; a tensor of the CPU changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_gencode_flags() -> str:
    """Empty: nothing is compiled for a GPU."""
    return ""


# Nothing has been asked of a device.
_initialized = False


def _is_in_bad_fork() -> bool:
    """False: a fork changes nothing where there is no device."""
    return False


def _lazy_call(callable: Any, **options: Any) -> None:
    """Nothing: torch keeps it until a device is first used."""


_lazy_init = no_cuda
