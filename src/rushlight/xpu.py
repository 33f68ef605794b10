"""torch.xpu on a machine that offers none."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    empty_list as get_arch_list, empty_list as get_rng_state_all, empty_list as memory_snapshot,
    no as is_available, no as is_bf16_supported, no as is_current_stream_capturing,
    no as is_initialized, no as is_tf32_supported, no_figures as memory_stats,
    no_figures as memory_stats_as_nested_dict, no_xpu as can_device_access_peer,
    no_xpu as clock_rate, no_xpu as current_device, no_xpu as current_stream,
    no_xpu as device_memory_used, no_xpu as get_device_capability, no_xpu as get_device_name,
    no_xpu as get_device_properties, no_xpu as get_per_process_memory_fraction,
    no_xpu as get_rng_state, no_xpu as init, no_xpu as initial_seed, no_xpu as mem_get_info,
    no_xpu as memory_usage, no_xpu as power_draw, no_xpu as set_device, no_xpu as synchronize,
    no_xpu as temperature, no_xpu as utilization, nothing as empty_cache, nothing as manual_seed,
    nothing as manual_seed_all, nothing as reset_accumulated_memory_stats,
    nothing as reset_peak_memory_stats, nothing as seed, nothing as seed_all,
    nothing as set_per_process_memory_fraction, nothing as set_rng_state,
    nothing as set_rng_state_all, zero as device_count, zero as max_memory_allocated,
    zero as max_memory_reserved, zero as memory_allocated, zero as memory_reserved,
)
from rushlight.refusals import (
    graphs as MemPool, graphs as XPUGraph, graphs as XPUPluggableAllocator,
    graphs as change_current_allocator, graphs as device, graphs as device_of,
    graphs as get_gencode_flags, graphs as graph, graphs as graph_pool_handle,
    graphs as make_graphed_callables, graphs as use_mem_pool, streams as Event, streams as Stream,
    streams as StreamContext, streams as get_stream_from_external, streams as set_stream,
    streams as stream,
)
# fmt: on
# ---- names: end ----

from rushlight.later import later

default_generators: tuple[object, ...] = ()
streams = later("rushlight.cpu.streams")
