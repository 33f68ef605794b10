"""What torch's tests ask of CUDA: it is not here."""

from __future__ import annotations

from rushlight.testing._internal.common_utils import TEST_CUDA, TEST_XPU

__all__ = ["TEST_CUDA", "TEST_XPU"]

TEST_CUDNN = TEST_MULTIGPU = TEST_CUDNN_VERSION = TEST_NUMBA_CUDA = False
TEST_CUSPARSE_GENERIC = IS_SM89 = IS_SM90 = IS_SM10X = IS_JETSON = False
SM53OrLater = SM60OrLater = SM70OrLater = SM75OrLater = SM80OrLater = SM89OrLater = False
SM90OrLater = SM100OrLater = SM120OrLater = False
CUDA_DEVICE = None
PLATFORM_SUPPORTS_FLASH_ATTENTION = PLATFORM_SUPPORTS_MEM_EFF_ATTENTION = False
PLATFORM_SUPPORTS_CUDNN_ATTENTION = PLATFORM_SUPPORTS_FUSED_ATTENTION = False
PLATFORM_SUPPORTS_BF16 = PLATFORM_SUPPORTS_FP8 = False


def initialize_cuda_context_rng() -> None:
    """Nothing: there is no device whose numbers could be set up."""
