"""Switches of cuDNN, which is not there."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import no as is_available, nothing as version
# fmt: on
# ---- names: end ----

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True
