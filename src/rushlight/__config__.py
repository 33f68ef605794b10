"""How this torch was built: on NumPy."""

from __future__ import annotations

import numpy as np

from rushlight.threads import get_num_threads, processors
from rushlight.version import RUSHLIGHT


def show() -> str:
    """What computes, in words."""
    return (
        f"rushlight {RUSHLIGHT}, built with:\n  - NumPy {np.__version__}\n"
        "  - Build settings: USE_CUDA=OFF, USE_MKL=OFF, USE_MKLDNN=OFF, USE_NCCL=OFF\n"
    )


def parallel_info() -> str:
    """How many threads share work."""
    return f"ATen/Parallel:\n\tat::get_num_threads() : {get_num_threads()}\n\tprocessors : {processors()}\n"
