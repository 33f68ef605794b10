"""torch.mtia on a machine that offers none."""

from rushlight.absent import empty_list as get_rng_state_all
from rushlight.absent import no as is_available
from rushlight.absent import no as is_bf16_supported
from rushlight.absent import no as is_initialized
from rushlight.absent import no_accelerator as MTIAGraph
from rushlight.absent import no_accelerator as attach_out_of_memory_observer
from rushlight.absent import no_accelerator as current_device
from rushlight.absent import no_accelerator as current_stream
from rushlight.absent import no_accelerator as default_stream
from rushlight.absent import no_accelerator as get_device_capability
from rushlight.absent import no_accelerator as get_device_properties
from rushlight.absent import no_accelerator as get_rng_state
from rushlight.absent import no_accelerator as graph
from rushlight.absent import no_accelerator as graph_pool_handle
from rushlight.absent import no_accelerator as init
from rushlight.absent import no_accelerator as initial_seed
from rushlight.absent import no_accelerator as set_device
from rushlight.absent import no_accelerator as set_stream
from rushlight.absent import no_accelerator as snapshot
from rushlight.absent import no_accelerator as stream
from rushlight.absent import no_accelerator as synchronize
from rushlight.absent import no_figures as memory_stats
from rushlight.absent import nothing as empty_cache
from rushlight.absent import nothing as manual_seed
from rushlight.absent import nothing as manual_seed_all
from rushlight.absent import nothing as record_memory_history
from rushlight.absent import nothing as reset_peak_memory_stats
from rushlight.absent import nothing as seed
from rushlight.absent import nothing as seed_all
from rushlight.absent import nothing as set_rng_state
from rushlight.absent import nothing as set_rng_state_all
from rushlight.absent import zero as device_count
from rushlight.absent import zero as max_memory_allocated
from rushlight.absent import zero as memory_allocated
from rushlight.accelerator import device_index as device

__all__ = [
    "MTIAGraph",
    "attach_out_of_memory_observer",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "graph",
    "graph_pool_handle",
    "init",
    "initial_seed",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_stats",
    "record_memory_history",
    "reset_peak_memory_stats",
    "seed",
    "seed_all",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "snapshot",
    "stream",
    "synchronize",
]  # fmt: skip
