"""Switches of CUDA's libraries, which are not there."""

from __future__ import annotations


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
