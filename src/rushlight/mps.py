"""torch.mps on a machine that offers none."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_available, no_accelerator as get_rng_state, nothing as empty_cache,
    nothing as manual_seed, nothing as seed, nothing as set_per_process_memory_fraction,
    nothing as set_rng_state, nothing as synchronize, zero as current_allocated_memory,
    zero as device_count, zero as driver_allocated_memory, zero as recommended_max_memory,
)
from rushlight.refusals import graphs as compile_shader, graphs as load_metallib, streams as Event
# fmt: on
# ---- names: end ----

from rushlight.later import later

profiler = later("rushlight.cuda.profiler")
