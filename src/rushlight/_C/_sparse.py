"""Functions that torch has in C, under the names that printed graphs show."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.sparse import (
    addmm as _sparse_addmm, log_softmax as _sparse_log_softmax, mm as _sparse_mm,
    softmax as _sparse_softmax,
)

__all__ = [
    "_sparse_addmm", "_sparse_log_softmax", "_sparse_mm", "_sparse_softmax",
]
# fmt: on
# ---- names: end ----
