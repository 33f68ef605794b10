"""Switches of CUDA's libraries, which are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from rushlight.errors import warn

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.absent import (
    no as is_built, no as is_ck_sdpa_available, no as is_flash_attention_available,
    no_cuda as blas_workspace_size, no_cuda as cublas_workspace_size,
    no_cuda as cublaslt_workspace_size, nothing as enable_cudnn_sdp, nothing as enable_flash_sdp,
    nothing as enable_math_sdp, nothing as enable_mem_efficient_sdp,
)
from rushlight.refusals import (
    cudnn as cuBLASModule, cudnn as cuFFTPlanCache, cudnn as cuFFTPlanCacheAttrContextProp,
    cudnn as cuFFTPlanCacheManager, cudnn as cufft_plan_cache,
)
# fmt: on
# ---- names: end ----


def math_sdp_enabled() -> bool:
    """True, as where nobody has switched it: this one and the next three say what a GPU might use."""
    return True


flash_sdp_enabled = mem_efficient_sdp_enabled = cudnn_sdp_enabled = math_sdp_enabled


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    """False: sums are of float32."""
    return False


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    """Nothing: there is no GPU that would."""


class _Matmul:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()


class SDPAParams:
    """What is asked about: a call of `scaled_dot_product_attention`."""

    def __init__(
        self, query: Any, key: Any, value: Any, attn_mask: Any, dropout: float, is_causal: bool,
        enable_gqa: bool,
    ) -> None:  # fmt: skip
        self.query, self.key, self.value, self.attn_mask = query, key, value, attn_mask
        self.dropout, self.is_causal, self.enable_gqa = dropout, is_causal, enable_gqa


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False, as of any tensors on a CPU: so for the next two."""
    return False


can_use_efficient_attention = can_use_cudnn_attention = can_use_flash_attention


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Nothing but torch's warning: attention has one implementation."""
    warn(
        "torch.backends.cuda.sdp_kernel() is deprecated: use torch.nn.attention.sdpa_kernel()",
        FutureWarning,
    )
    yield


class _BlasBackend(Enum):
    Default, Cublas, Cublaslt, Ck = range(4)


class _LinalgBackend(Enum):
    Default, Cusolver, Magma = range(3)


class _ROCmFABackend(Enum):
    Default, AOTriton, Ck = range(3)


def _preferred(name: str, first: Enum) -> Callable[..., Enum]:
    def ask(backend: object = None) -> Enum:
        if backend is not None and str(backend).rpartition(".")[2].lower() not in (
            "default",
            first.name.lower(),
        ):
            raise RuntimeError(
                f"Cannot set preferred backend to {backend}: there is no GPU, and no such library"
            )
        return first

    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = "What nobody has changed, as there is no GPU; to ask for another is an error."
    return ask


preferred_blas_library = _preferred("preferred_blas_library", _BlasBackend.Cublas)
preferred_linalg_library = _preferred("preferred_linalg_library", _LinalgBackend.Default)
preferred_rocm_fa_library = _preferred("preferred_rocm_fa_library", _ROCmFABackend.Default)
