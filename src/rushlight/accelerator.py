"""torch.accelerator: there is none."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_available, no_accelerator as current_device_idx,
    no_accelerator as current_device_index, no_accelerator as current_stream,
    no_accelerator as empty_cache, no_accelerator as get_device_capability,
    no_accelerator as get_memory_info, no_accelerator as max_memory_allocated,
    no_accelerator as max_memory_reserved, no_accelerator as memory_allocated,
    no_accelerator as memory_reserved, no_accelerator as memory_stats,
    no_accelerator as reset_accumulated_memory_stats, no_accelerator as reset_peak_memory_stats,
    no_accelerator as set_device_idx, no_accelerator as set_device_index,
    no_accelerator as set_stream, no_accelerator as synchronize, nothing as current_accelerator,
    nothing as empty_host_cache, zero as device_count,
)
from rushlight.refusals import graphs as Graph
# fmt: on
# ---- names: end ----

from rushlight.absent import no_accelerator


class device_index:
    """The block `with torch.accelerator.device_index(0):`; that of None or a negative number changes nothing."""

    def __init__(self, device: int | None) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None and self.idx >= 0:
            no_accelerator()

    def __exit__(self, *exception: object) -> None:
        """Nothing."""
