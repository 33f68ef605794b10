"""Whether torch's mps backend is there: it is not."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_available, no as is_built, no as is_macos13_or_newer, no as is_macos_or_newer,
    no_accelerator as get_name, zero as get_core_count,
)
# fmt: on
# ---- names: end ----
