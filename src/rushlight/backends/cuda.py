"""Switches of CUDA's libraries, which are not there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Matmul:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = False
    allow_bf16_reduced_precision_reduction = False


matmul = _Matmul()


def is_built() -> bool:
    """False."""
    return False


def enable_flash_sdp(enabled: bool) -> None:
    """Nothing: attention has one implementation."""


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Nothing: attention has one implementation."""


def enable_math_sdp(enabled: bool) -> None:
    """Nothing: attention has one implementation."""


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
