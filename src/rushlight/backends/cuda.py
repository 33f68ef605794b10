"""Switches of CUDA's libraries, which are not there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_built, nothing as enable_cudnn_sdp, nothing as enable_flash_sdp,
    nothing as enable_math_sdp, nothing as enable_mem_efficient_sdp,
)
# fmt: on
# ---- names: end ----


class _Matmul:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Nothing but torch's warning: attention has one implementation."""
    warnings.warn(
        "torch.backends.cuda.sdp_kernel() is deprecated: use torch.nn.attention.sdpa_kernel()",
        FutureWarning,
        stacklevel=3,
    )
    yield
