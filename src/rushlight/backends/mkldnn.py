"""Whether torch's mkldnn backend is there: it is not."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import no as is_available
# fmt: on
# ---- names: end ----
