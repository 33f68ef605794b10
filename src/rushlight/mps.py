"""torch.mps on a machine that offers none."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_available, nothing as empty_cache, nothing as manual_seed, nothing as synchronize,
    zero as device_count,
)
from rushlight.refusals import graphs as compile_shader, graphs as load_metallib, streams as Event
# fmt: on
# ---- names: end ----
